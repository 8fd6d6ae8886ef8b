import type { Fault } from '#writ/faults';

/** Why everything ends: somebody said so, or it cannot go on. */
export type StopReason = { readonly signal: NodeJS.Signals } | { readonly fault: Fault };

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Waits for the end of a run: the first signal or fault counts; a second signal is somebody who does not want to wait. */
export class StopRequest {
  readonly requested: Promise<StopReason>;
  readonly #abort = new AbortController();
  #resolve: (reason: StopReason) => void = () => undefined;
  readonly #listener = (signal: NodeJS.Signals) => {
    if (this.signal.aborted) this.onImpatience();
    else this.stop({ signal });
  };

  constructor(private readonly onImpatience: () => void) {
    this.requested = new Promise((resolve) => (this.#resolve = resolve));
    for (const signal of SIGNALS) process.on(signal, this.#listener);
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  stop(reason: StopReason): void {
    this.#resolve(reason);
    this.#abort.abort();
  }

  /** The value, or undefined when the end was asked for first. Errors of work that nobody waits for any more are dropped. */
  async orStop<T>(work: Promise<T>): Promise<T | undefined> {
    work.catch(() => undefined);
    return this.signal.aborted ? undefined : Promise.race([work, this.requested.then(() => undefined)]);
  }

  close(): void {
    for (const signal of SIGNALS) process.off(signal, this.#listener);
  }
}
