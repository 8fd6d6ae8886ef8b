import { Fault } from '#writ/faults';
import type { Authority, SigningKey } from '#writ/signing';
import {
  type Integrated,
  Integrator,
  type IntegratorState,
  type LedgerMessage,
  type LogPlace,
  signCheckpoint,
} from '#writ/tlog';
import type { Cosign, Feed, Head, Late, LogStore, Shown, Taken } from './ports.js';
import type { Stored } from './state-store.js';

/** What the sealer remembers: the tree that it may sign, and the last message in it. */
export interface SealerState {
  readonly v: 1;
  readonly log: IntegratorState;
  /** SHA-256 of the last message, in base64url: another one in its place is another stream. Absent before the first. */
  readonly last?: string;
  /** Version of the trust bundle that was in use: under an older one a key that was revoked would count again. Absent: none had one. */
  readonly bundle?: number;
}

export interface SealerPorts {
  readonly store: LogStore;
  readonly states: {
    assertNewest(generation: number): Promise<void>;
    store(value: SealerState, after: number): Promise<Stored<SealerState>>;
  };
  /** Name of the log. */
  readonly origin: string;
  /** The keys that may sign a tree of that size. Throws CONFIG_KEY when there is none. */
  readonly signers: (size: number) => readonly SigningKey[];
  /** Who may write what, by the trust bundle of now. */
  readonly authority: () => Authority;
  readonly cosign: Cosign;
  readonly late: Late;
  readonly feed: Feed;
  readonly digest: (message: LedgerMessage) => string;
  /** Told of each message as it enters the tree. */
  readonly onIntegrated: (integrated: Integrated) => void;
  /** In milliseconds, of a clock that nobody sets. */
  readonly elapsed: () => number;
}

/** The tree is written and promised with the message batch that brings so many new leaves, or so long after the first of them. */
const LEAVES_MAX = 256;
const SEAL_AFTER_MS = 500;
/** A checkpoint is shown so long after the one before, so that a sealer that is behind does not wait for its witnesses all the time. */
const SHOW_AFTER_MS = 250;

/**
 * Extends the tree by the messages of the stream and signs it. What is signed was written to the log and to the sealer's own
 * state before, and only there where a message ends.
 */
export class Sealer {
  #pending: Integrated[] = [];
  #pendingLeaves = 0;
  #pendingSinceMs = 0;
  #last: string | undefined;
  #generation: number;
  /** The tree in the state, and the newest checkpoint that was published. */
  #head: Head;
  #shown: Shown | undefined;
  #publishedMs = -Infinity;
  #publishedBy: readonly string[] = [];
  /** Where the files end that the state vouches for. */
  #place: LogPlace;

  constructor(
    private readonly ports: SealerPorts,
    private readonly integrator: Integrator,
    stored: Stored<SealerState> | undefined,
  ) {
    this.#generation = stored?.generation ?? 0;
    this.#last = stored?.value.last;
    this.#head = headOf(integrator);
    this.#place = integrator.state();
  }

  /** Stream sequence of the message that comes next. */
  get position(): number {
    return this.integrator.seq + 1;
  }

  /** The ledger that goes on, when this one has ended: nothing is taken any more. */
  get frozen(): string | undefined {
    return this.integrator.frozen;
  }

  /** The tree that the state says was signed. */
  get head(): Head {
    return this.#head;
  }

  /** The newest checkpoint that others can see. */
  get published(): Head | undefined {
    return this.#shown?.head;
  }

  /** Ids of the keys that signed it. */
  get publishedBy(): readonly string[] {
    return this.#publishedBy;
  }

  /** The last message that is in the tree. */
  get taken(): Taken {
    return { seq: this.integrator.seq, last: this.#last };
  }

  /** Leaves that are in no state yet. */
  get waiting(): number {
    return this.#pendingLeaves;
  }

  /** Signs what the state says, before anything new: a process that died after it stored a state had promised that checkpoint. */
  async recover(): Promise<void> {
    const shown = await this.ports.store.checkpoint();
    // What was shown may have cosignatures, which witnesses that are away now would not give again.
    if (this.#head.size > 0 && shown?.startsWith(this.#note(this.#head)) === true)
      await this.#publish(shown, this.#head);
    else await this.#announce();
  }

  /** Takes messages in stream order, and seals when it is time. Throws LEDGER_INTEGRITY, LEDGER_FENCED or LEDGER_LOG_UNWRITABLE. */
  async take(messages: readonly LedgerMessage[]): Promise<void> {
    this.integrator.trust(this.ports.authority());
    // What could not be sealed before comes first: nothing more is taken while the disk is full.
    if (this.#isFull) await this.#seal();
    for (const message of messages) {
      // What stands behind the end of a ledger is for the one that goes on.
      if (this.frozen !== undefined) break;
      this.#integrate(message);
    }
    const nowMs = this.ports.elapsed();
    const isDue = this.#pendingLeaves > 0 && nowMs - this.#pendingSinceMs >= SEAL_AFTER_MS;
    if (this.#isFull || isDue) await this.#seal();
    if (nowMs - this.#publishedMs >= SHOW_AFTER_MS) await this.#show();
    await this.#showLate();
  }

  /** Seals and shows what waits, whenever. */
  async close(): Promise<void> {
    if (this.#pendingLeaves > 0) await this.#seal();
    await this.#show();
  }

  #integrate(message: LedgerMessage): void {
    if (message.seq !== this.position) {
      throw new Fault(
        'LEDGER_INTEGRITY',
        `message ${message.seq} of the ledger comes after message ${this.integrator.seq}: messages are missing`,
      );
    }
    if (this.#pendingLeaves === 0) this.#pendingSinceMs = this.ports.elapsed();
    const integrated = this.integrator.integrate(message);
    this.#pending.push(integrated);
    this.#pendingLeaves += integrated.leaves.length;
    this.#last = this.ports.digest(message);
    this.ports.onIntegrated(integrated);
  }

  get #isFull(): boolean {
    return this.#pendingLeaves >= LEAVES_MAX;
  }

  async #seal(): Promise<void> {
    const { store, states } = this.ports;
    // A process that slept while another one sealed would write the block index of its own, shorter past over the other's.
    await states.assertNewest(this.#generation);
    await store.write(this.#place, this.#pending);
    const head = headOf(this.integrator);
    await this.#assertWritten(head);
    // If the process dies here the files hold more than was signed, and the next one writes the same bytes again.
    const value: SealerState = {
      v: 1,
      log: this.integrator.state(),
      ...(this.#last !== undefined && { last: this.#last }),
      bundle: this.ports.authority().version,
    };
    const { generation } = await states.store(value, this.#generation);
    // If the process dies here the next one signs the very same tree: it never signs another one of this size.
    this.#generation = generation;
    this.#head = head;
    this.#place = value.log;
    this.#pending = [];
    this.#pendingLeaves = 0;
  }

  /** New tiles are made of the ones on the disk: what somebody changed there must not become part of what is signed. */
  async #assertWritten({ size, root }: Head): Promise<void> {
    if ((await this.ports.store.rootAt(size)) === root) return;
    throw new Fault('LEDGER_INTEGRITY', `the tiles of the log have another root at ${size} entries than the stream`);
  }

  /** A checkpoint that was stored and could not be shown is shown as soon as it can be. */
  async #show(): Promise<void> {
    if (this.published?.size !== this.#head.size) await this.#announce();
  }

  /** A witness that was slow or away signs a checkpoint after it was shown: then it is shown again. */
  async #showLate(): Promise<void> {
    const came = this.#shown === undefined ? undefined : this.ports.late(this.#shown);
    if (came === undefined) return;
    if (came.head.size === this.published?.size) await this.#publish(came.note, came.head);
    else await this.ports.store.keep(came.note, came.head.size);
  }

  async #announce(): Promise<void> {
    const head = this.#head;
    if (head.size === 0) return;
    await this.#publish(await this.ports.cosign(this.#note(head), head), head);
  }

  async #publish(note: string, head: Head): Promise<void> {
    const { store, feed, elapsed } = this.ports;
    await store.publish(note, head.size);
    this.#shown = { note, head };
    this.#publishedBy = this.ports.signers(head.size).map(({ id }) => id);
    this.#publishedMs = elapsed();
    // If the process dies here the entries are sealed and not handed on; the feed goes on from where its stream ends.
    feed(head);
  }

  #note(head: Head): string {
    const { origin, signers } = this.ports;
    return signCheckpoint({ origin, ...head }, ...signers(head.size));
  }
}

function headOf(integrator: Integrator): Head {
  return { size: integrator.size, root: integrator.root().toString('base64url') };
}
