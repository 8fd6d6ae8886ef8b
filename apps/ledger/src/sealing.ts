import type { EntryBody, PreviousLedger } from '#writ/contracts';
import { Fault, type FaultCode, messageOf } from '#writ/faults';
import type { LedgerMessage } from '#writ/tlog';
import type { Append, Head, Taken } from './ports.js';
import type { Sealer } from './sealer.js';
import type { Tick } from './tick.js';

export interface SealingPorts {
  /** A sealer whose state, files, stream and witnesses agree. Throws LEDGER_INTEGRITY and the like when they do not. */
  readonly open: () => Promise<Sealer>;
  /** Throws LEDGER_INTEGRITY when the stream has no longer that message at that place. */
  readonly assertStream: (taken: Taken) => Promise<void>;
  /** Throws LEDGER_FENCED when another sealer has taken over. */
  readonly assertOwner: () => Promise<void>;
  readonly tick: Tick;
  /** The ledger that this one goes on from, if it goes on from one. */
  readonly previous: () => PreviousLedger | undefined;
  /** Whether the root key lets the ledger end: from then on the sealer has nothing to say in it. */
  readonly isEnding: () => boolean;
  readonly append: Append;
  readonly log: {
    error(fields: Record<string, unknown>, message: string): void;
    fatal(fields: Record<string, unknown>, message: string): void;
  };
  /** In milliseconds, of a clock that nobody sets. */
  readonly elapsed: () => number;
  /** This process is not the one that signs, and must end. */
  readonly onFenced: (fault: Fault) => void;
}

/** Faults after which nothing is signed any more until a person has looked. Everything else is tried again. */
const FINAL: ReadonlySet<FaultCode> = new Set(['LEDGER_INTEGRITY', 'LEDGER_CORRUPT', 'CONFIG_DATA_DIR_CORRUPT']);
const TEXT_CHARACTERS_MAX = 512;
/** How often the stream is compared while nothing comes: a stream that was cut brings nothing. */
const COMPARE_EVERY_MS = 1_000;

/** The work of the sealer, and its end: whoever found that the stories differ signs nothing more, and says so. */
export class Sealing {
  #sealer: Sealer | undefined;
  #refusal: string | undefined;
  #comparedMs = -Infinity;
  #problem: string | undefined;

  constructor(private readonly ports: SealingPorts) {}

  /** Why nothing is signed; undefined while all is well. */
  get refusal(): string | undefined {
    return this.#refusal;
  }

  /** What keeps it from sealing at the moment, such as a full disk; undefined while nothing does. */
  get problem(): string | undefined {
    return this.#problem;
  }

  get isServing(): boolean {
    return this.#sealer !== undefined && this.#refusal === undefined;
  }

  /** The ledger that goes on, when this one has ended. */
  get frozen(): string | undefined {
    return this.#sealer?.frozen;
  }

  /** Stream sequence of the message that comes next. */
  get position(): number {
    return this.#sealer?.position ?? 1;
  }

  get head(): Head | undefined {
    return this.#sealer?.published;
  }

  /** Ids of the keys that signed the newest checkpoint. */
  get signedBy(): readonly string[] {
    return this.#sealer?.publishedBy ?? [];
  }

  /** Leaves that are in no checkpoint yet. */
  get waiting(): number {
    return this.#sealer?.waiting ?? 0;
  }

  /**
   * Compares what is known, signs what was promised. A refusal is no error: the process stays, to be asked why. Throws what may be
   * over the next time, such as a full disk: call it again.
   */
  async begin(): Promise<void> {
    await this.#guarded(async () => {
      const sealer = await this.ports.open();
      await sealer.recover();
      if (!this.ports.isEnding()) await this.ports.append(openedBody(sealer.head, this.ports.previous()));
      this.#sealer = sealer;
    });
  }

  /** Takes messages in stream order; an empty list is time passing. Throws what may be over the next time. */
  async take(messages: readonly LedgerMessage[]): Promise<void> {
    if (this.#refusal !== undefined) return;
    const sealer = this.#sealer;
    if (sealer === undefined) return this.begin();
    await this.#guarded(async () => {
      await this.#compare(sealer, messages.length > 0);
      await sealer.take(messages);
    });
    if (this.isServing && !this.ports.isEnding()) await this.ports.tick.afterBatch(sealer.published);
  }

  /** Seals what waits. */
  async close(): Promise<void> {
    const sealer = this.#sealer;
    if (sealer !== undefined && this.#refusal === undefined) await this.#guarded(() => sealer.close());
  }

  /** Before messages are taken: somebody may have restored the stream while the bus was away, and they belong to another history. */
  async #compare({ taken }: Sealer, isTaking: boolean): Promise<void> {
    const nowMs = this.ports.elapsed();
    if (!isTaking && nowMs - this.#comparedMs < COMPARE_EVERY_MS) return;
    await this.ports.assertStream(taken);
    this.#comparedMs = nowMs;
  }

  async #guarded(act: () => Promise<void>): Promise<void> {
    try {
      await act();
      this.#problem = undefined;
    } catch (thrown) {
      const error = await this.#judged(thrown);
      this.#problem = messageOf(error);
      if (!(error instanceof Fault)) throw error;
      if (error.code === 'LEDGER_FENCED') {
        this.#refusal = error.message;
        this.ports.onFenced(error);
        return;
      }
      if (!FINAL.has(error.code)) throw error;
      await this.#refuse(error);
    }
  }

  /** What a sealer that slept finds different was changed by the one that took over: that is no violation. */
  async #judged(thrown: unknown): Promise<unknown> {
    if (!(thrown instanceof Fault) || !FINAL.has(thrown.code)) return thrown;
    return this.ports.assertOwner().then(
      () => thrown,
      (fenced: unknown) => (fenced instanceof Fault ? fenced : thrown),
    );
  }

  async #refuse({ code, message }: Fault): Promise<void> {
    this.#refusal = `${code}: ${message}`;
    this.ports.log.fatal({ code, detail: message }, 'INTEGRITY VIOLATION: nothing is signed any more');
    const why = { code, text: message.slice(0, TEXT_CHARACTERS_MAX) };
    await this.ports.append({ type: 'ledger.integrity.violation', why }).catch((error: unknown) => {
      this.ports.log.error({ detail: messageOf(error) }, 'the integrity violation could not be recorded');
    });
  }
}

/** What a sealer says when it begins: the tree that it goes on from, and in the first entry of a ledger the one before it. */
function openedBody({ size, root }: Head, previous: PreviousLedger | undefined): EntryBody {
  return { type: 'ledger.opened', size, root, ...(size === 0 && previous !== undefined && { prev: previous }) };
}
