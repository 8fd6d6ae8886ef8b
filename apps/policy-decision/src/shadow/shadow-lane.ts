import { messageOf } from '#writ/faults';
import { cedarContext, type PolicySet } from '#writ/policy';
import { compare } from './compare.js';
import type { OracleAnswer, OracleLoad, OracleQuestion } from './oracle-child.js';
import type { Oracle } from './oracle-process.js';
import type { Shadow, ShadowedDecision } from '#writ/authorisation';

export interface ShadowLaneOptions {
  /** One decision in this many is decided again, on average; 0 is never. */
  readonly oneIn: number;
  readonly openOracle: (load: OracleLoad) => Oracle;
  /** A number from 0 to 1. Which decisions are looked at cannot be foreseen. */
  readonly random: () => number;
  /** Runs something later; the returned function prevents it. */
  readonly later: (ms: number, run: () => void) => () => void;
  /** The alarm. It is awaited before the next decision is looked at. */
  readonly onDifference: (decided: ShadowedDecision, cedar: OracleAnswer) => Promise<void>;
  readonly log: { error(fields: Record<string, unknown>, message: string): void };
}

/** A decision waits with the values of its request, so few do. */
const WAITING_MAX = 64;
const BACK_OFF_FIRST_MS = 1_000;
const BACK_OFF_MAX_MS = 60_000;
/** An oracle that is asked nothing for so long is ended, and its memory is free. */
const IDLE_MS = 30_000;

/** Decides a sample of decisions again with Cedar itself, after they were made and beside whatever else goes on. */
export class ShadowLane implements Shadow {
  readonly #waiting: ShadowedDecision[] = [];
  readonly #counts = { checked: 0, differences: 0, stricter: 0, dropped: 0, failures: 0 };
  #untilDue: number;
  #oracle: { readonly set: PolicySet; readonly oracle: Oracle } | undefined;
  #backOffMs = BACK_OFF_FIRST_MS;
  #isAsking = false;
  #isClosed = false;
  #cancelLater: (() => void) | undefined;

  constructor(private readonly options: ShadowLaneOptions) {
    this.#untilDue = this.#nextGap();
  }

  isDue(): boolean {
    if (--this.#untilDue > 0) return false;
    this.#untilDue = this.#nextGap();
    return true;
  }

  offer(decided: ShadowedDecision): void {
    if (this.#isClosed || this.#waiting.length >= WAITING_MAX) {
      this.#counts.dropped += 1;
      return;
    }
    this.#waiting.push(decided);
    if (!this.#isAsking) void this.#work();
  }

  /** For the health page. */
  get details(): Readonly<Record<string, number>> {
    return { oneIn: this.options.oneIn, ...this.#counts, waiting: this.#waiting.length };
  }

  close(): void {
    this.#isClosed = true;
    this.#waiting.length = 0;
    this.#cancelLater?.();
    this.#endOracle();
  }

  async #work(): Promise<void> {
    this.#isAsking = true;
    this.#cancelLater?.();
    // The decision that brought us here is answered first.
    await new Promise<void>((resolve) => setImmediate(resolve));
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      const isAnswered = await this.#check(next);
      if (!isAnswered) return;
    }
    this.#isAsking = false;
    this.#cancelLater = this.options.later(IDLE_MS, () => this.#endOracle());
  }

  /** Whether there was an answer. If not, the next one is asked after a pause, by another oracle. */
  async #check(decided: ShadowedDecision): Promise<boolean> {
    try {
      const cedar = await this.#oracleOf(decided.set).ask(questionOf(decided));
      this.#backOffMs = BACK_OFF_FIRST_MS;
      await this.#judge(decided, cedar);
      return true;
    } catch (error) {
      if (this.#isClosed) return false;
      this.#counts.failures += 1;
      this.options.log.error({ detail: messageOf(error), againInMs: this.#backOffMs }, 'the shadow lane has no oracle');
      this.#endOracle();
      this.#cancelLater = this.options.later(this.#backOffMs, () => void this.#work());
      this.#backOffMs = Math.min(this.#backOffMs * 2, BACK_OFF_MAX_MS);
      return false;
    }
  }

  async #judge(decided: ShadowedDecision, cedar: OracleAnswer): Promise<void> {
    this.#counts.checked += 1;
    switch (compare(decided.decision, cedar, (id) => effectsOf(decided.set).get(id))) {
      case 'same':
        return;
      case 'stricter':
        this.#counts.stricter += 1;
        return;
      case 'different':
        this.#counts.differences += 1;
        await this.options.onDifference(decided, cedar);
    }
  }

  /** Other policies are another oracle. */
  #oracleOf(set: PolicySet): Oracle {
    if (this.#oracle?.set === set) return this.#oracle.oracle;
    this.#endOracle();
    const policies = Object.fromEntries(set.policies.map(({ source }) => [source.id, source.text]));
    const oracle = this.options.openOracle({ policies, entities: set.entities });
    this.#oracle = { set, oracle };
    return oracle;
  }

  #endOracle(): void {
    this.#oracle?.oracle.end();
    this.#oracle = undefined;
  }

  #nextGap(): number {
    const { oneIn, random } = this.options;
    return oneIn === 0 ? Infinity : 1 + Math.floor(random() * (2 * oneIn - 1));
  }
}

function questionOf({ request }: ShadowedDecision): OracleQuestion {
  const { principal, action, resource } = request;
  const context = cedarContext(request.context);
  if (!('uid' in resource)) return { principal, action, resource, context };
  return { principal, action, resource: resource.uid, context, brought: resource };
}

/** The effects of a set's policies, by id, made once for a set. */
const effects = new WeakMap<PolicySet, ReadonlyMap<string, 'permit' | 'forbid'>>();

function effectsOf(set: PolicySet): ReadonlyMap<string, 'permit' | 'forbid'> {
  let known = effects.get(set);
  if (known === undefined) {
    known = new Map(set.policies.map(({ place }) => [place.id, place.effect]));
    effects.set(set, known);
  }
  return known;
}
