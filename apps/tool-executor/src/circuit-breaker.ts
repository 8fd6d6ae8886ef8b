import { Fault, type FaultCode } from '#writ/faults';

interface BreakerOptions {
  /** So many in a row open it. */
  readonly failures: number;
  /** How long it stays open before one call tries again. */
  readonly pauseMs: number;
  /** Milliseconds, from any beginning. */
  readonly now: () => number;
}

/**
 * Failures of the service. All others may be of the caller's making, who would close the tool for everybody by them. So may a time-out
 * of one caller, by asking for what takes long: those count when two agents meet them in a row.
 */
const FAILURES: ReadonlySet<FaultCode> = new Set(['EXECUTOR_UNREACHABLE', 'EXECUTOR_TIMEOUT']);

/** Keeps calls from a service that does not answer: open after failures in a row, then one call tries whether it is back. */
export class CircuitBreaker {
  /** Agents and codes of the failures in a row. */
  #failures: { readonly agent: string; readonly code: FaultCode }[] = [];
  #openUntilMs: number | undefined;
  #isTrying = false;

  constructor(private readonly options: BreakerOptions) {}

  get isOpen(): boolean {
    return this.#openUntilMs !== undefined;
  }

  /** Does the work, or throws EXECUTOR_CIRCUIT_OPEN without doing it. Nothing is tried again here. */
  async run<T>(agent: string, work: () => Promise<T>): Promise<T> {
    const { now } = this.options;
    if (this.#openUntilMs !== undefined && (this.#isTrying || now() < this.#openUntilMs))
      throw new Fault('EXECUTOR_CIRCUIT_OPEN', 'the service behind the tool did not answer lately: try again later');
    const isTry = this.#openUntilMs !== undefined;
    this.#isTrying ||= isTry;
    try {
      const result = await work();
      this.#close();
      return result;
    } catch (error) {
      if (error instanceof Fault && FAILURES.has(error.code)) this.#failed(agent, error.code, isTry);
      else this.#close();
      throw error;
    } finally {
      if (isTry) this.#isTrying = false;
    }
  }

  #close(): void {
    this.#failures = [];
    this.#openUntilMs = undefined;
  }

  #failed(agent: string, code: FaultCode, isTry: boolean): void {
    const { failures, pauseMs, now } = this.options;
    const row = (this.#failures = [...this.#failures, { agent, code }].slice(-failures));
    const isCertain =
      row.every((each) => each.code === 'EXECUTOR_UNREACHABLE') || new Set(row.map((each) => each.agent)).size > 1;
    if (isTry || (row.length >= failures && isCertain)) this.#openUntilMs = now() + pauseMs;
  }
}
