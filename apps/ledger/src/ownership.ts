import { messageOf } from '#writ/faults';
import type { Lease, LeaseHolder } from '#writ/files';

interface Log {
  info(fields: Record<string, unknown>, message: string): void;
  warn(fields: Record<string, unknown>, message: string): void;
  error(fields: Record<string, unknown>, message: string): void;
}

export interface OwnershipPorts {
  /** Waits for the lease of the log; undefined when `signal` ended that. */
  readonly acquire: (told: {
    readonly signal: AbortSignal;
    readonly onWaiting: (holder: LeaseHolder) => void;
    readonly onLapsed: (holder: LeaseHolder) => void;
  }) => Promise<Lease | undefined>;
  /** Begins the work of the owner. */
  readonly begin: () => Promise<void>;
  /** Whether the owner hangs in what it does: then it does not say that it lives. */
  readonly isStuck: () => boolean;
  /** Does that every so many milliseconds, until the returned function is called. */
  readonly every: (ms: number, act: () => void) => () => void;
  /** This process must end. */
  readonly end: (why: string) => void;
  readonly log: Log;
}

const RENEW_EVERY_MS = 500;
/** While a standby looks at a lease twice, it can be away for a moment. */
const LOST_AFTER = 2;

/**
 * Whose turn it is to seal: this process waits for the lease of the log, begins when it has it, and renews it while it is at work.
 * It decides when to try. That two never write is the business of the claim on the directories, the state and the stream.
 */
export class Ownership {
  readonly #stopped = new AbortController();
  #work: Promise<void> = Promise.resolve();
  #waitsFor: LeaseHolder | undefined;
  #lease: Lease | undefined;
  #stopRenewing: () => void = () => undefined;
  #missed = 0;

  constructor(private readonly ports: OwnershipPorts) {}

  /** The owner that this process waits for; undefined once it is the owner itself. */
  get waitsFor(): LeaseHolder | undefined {
    return this.#waitsFor;
  }

  /** Resolves when this process is the owner and has begun, or when it stands by. Rejects with what `begin` threw in the first case. */
  async start(): Promise<void> {
    let isStandby = false;
    await new Promise<void>((resolve, reject) => {
      const onWaiting = (holder: LeaseHolder) => {
        isStandby = true;
        resolve();
        this.#waitsFor = holder;
        this.ports.log.info({ detail: nameOf(holder) }, 'standing by: another sealer owns the log');
      };
      this.#work = this.#run(onWaiting).then(resolve, (error: unknown) => {
        // A process that starts anew says in full what is wrong.
        if (isStandby) this.ports.end(`this sealer could not take over: ${messageOf(error)}`);
        else reject(error);
      });
    });
  }

  /** Ends the waiting or the ownership; `finish` ends the work, and the next owner comes after it. */
  async stop(finish: () => Promise<void>): Promise<void> {
    this.#stopped.abort();
    await this.#work;
    await finish();
    this.#stopRenewing();
    await this.#lease?.release();
  }

  async #run(onWaiting: (holder: LeaseHolder) => void): Promise<void> {
    const { acquire, begin, every, log } = this.ports;
    const onLapsed = (holder: LeaseHolder) =>
      log.warn({ detail: nameOf(holder) }, 'the owner of the log is not heard of any more: this sealer takes over');
    const lease = await acquire({ signal: this.#stopped.signal, onWaiting, onLapsed });
    if (lease === undefined) return;
    this.#lease = lease;
    this.#waitsFor = undefined;
    this.#stopRenewing = every(RENEW_EVERY_MS, () => void this.#renew(lease));
    log.info({}, 'this sealer owns the log');
    await begin();
  }

  async #renew(lease: Lease): Promise<void> {
    const { isStuck, end, log } = this.ports;
    if (isStuck()) return;
    try {
      this.#missed = (await lease.renew()) ? 0 : this.#missed + 1;
      if (this.#missed === LOST_AFTER) end('another sealer has taken over');
    } catch (error) {
      log.error({ detail: messageOf(error) }, 'the lease of the log could not be renewed');
    }
  }
}

function nameOf({ pid }: LeaseHolder): string {
  return pid === undefined ? 'a process of another machine' : `process ${pid}`;
}
