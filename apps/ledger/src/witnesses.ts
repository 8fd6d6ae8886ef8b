import { Fault } from '#writ/faults';
import { cosignedBy, type LogKey } from '#writ/signing';
import { EMPTY_ROOT } from '#writ/tlog';
import type { collectCosignatures, lastCosigned, WitnessAddress, WitnessAnswer } from '#writ/witness-client';
import type { Head, Shown } from './ports.js';

export interface WitnessPorts {
  readonly witnesses: readonly WitnessAddress[];
  /** How many must cosign before a checkpoint counts as witnessed. */
  readonly quorum: number;
  /** Name of the log, and the keys that sign it or signed it before. */
  readonly origin: string;
  readonly logKeys: () => readonly LogKey[];
  readonly collect: typeof collectCosignatures;
  readonly last: typeof lastCosigned;
  /** Consistency proof from an older size to that one, from the files of the log. */
  readonly proof: (oldSize: number, size: number) => Promise<readonly Uint8Array[]>;
  /** Root of the first `size` leaves of the log when it has `treeSize`, from its files; undefined when they do not hold it. */
  readonly rootAt: (size: number, treeSize: number) => Promise<string | undefined>;
  /** In milliseconds since 1970: what the times of witnesses are compared with. */
  readonly now: () => number;
  /** In milliseconds, of a clock that nobody sets: what pauses are measured by. */
  readonly elapsed: () => number;
  readonly log: {
    warn(fields: Record<string, unknown>, message: string): void;
    error(fields: Record<string, unknown>, message: string): void;
  };
}

/** A checkpoint waits so long for its witnesses, and is published without those that did not answer. */
const TIMEOUT_MS = 1_000;
/** Nothing waits for a witness that is offered a checkpoint again, so that a slow one can take its time. */
const AGAIN_TIMEOUT_MS = 10_000;
const PAUSE_FIRST_MS = 1_000;
const PAUSE_MAX_MS = 30_000;
const TELL_EVERY_MS = 10_000;

/** When to ask again: each failure doubles the pause, so that nobody waits each time for one that does not answer. */
interface Pause {
  ms: number;
  notBeforeMs: number;
}

interface Known {
  /** What it cosigned last. */
  size: number;
  status: WitnessAnswer['status'] | 'not asked';
  /** Before a checkpoint is shown, and after it was shown without this witness. */
  readonly first: Pause;
  readonly again: Pause;
}

/** The witnesses of the log, as the sealer knows them. */
export class Witnesses {
  readonly #known: ReadonlyMap<string, Known>;
  #isWitnessed = false;
  #toldMs = -Infinity;
  /** The largest tree that a witness may have by now: anybody may hand it on from one witness to another. */
  #largest: Head = { size: 0, root: EMPTY_ROOT.toString('base64url') };
  /** The witnesses that are being offered a checkpoint again, and what came of the last offer. */
  #offered: ReadonlySet<string> = new Set();
  #came: (() => Shown) | undefined;
  #readNote = '';

  constructor(private readonly ports: WitnessPorts) {
    const pause = (): Pause => ({ ms: PAUSE_FIRST_MS, notBeforeMs: -Infinity });
    const fresh = (): Known => ({ size: 0, status: 'not asked', first: pause(), again: pause() });
    this.#known = new Map(ports.witnesses.map(({ key }) => [key.name, fresh()]));
  }

  /** For the health page. */
  get details(): object {
    const answers = [...this.#known].map(([name, { size, status }]) => [name, { size, status }]);
    return { quorum: this.ports.quorum, isWitnessed: this.#isWitnessed, witnesses: Object.fromEntries(answers) };
  }

  /** The heads that witnesses show; those that show none are left out. */
  async heads(asked = this.ports.witnesses): Promise<readonly (Head & { readonly name: string })[]> {
    const { origin, logKeys, last } = this.ports;
    const found = await Promise.all(
      asked.map(async (witness) => {
        const shown = await last(witness, { origin, logKeys: logKeys() }, TIMEOUT_MS);
        return shown.status === 'head' ? [{ name: witness.key.name, ...shown.head }] : [];
      }),
    );
    return found.flat();
  }

  /**
   * The checkpoint with the cosignatures that came in time. Throws LEDGER_INTEGRITY when a witness has seen another tree that the log
   * itself had signed: then there are two histories.
   */
  async cosign(note: string, head: Head): Promise<string> {
    const { elapsed, quorum, witnesses } = this.ports;
    this.#largest = head;
    if (witnesses.length === 0) return note;
    const nowMs = elapsed();
    // Of two checkpoints that a witness has at once the smaller one would look to it like a log that went back.
    const asked = witnesses.filter(
      ({ key: { name } }) => !this.#offered.has(name) && this.#of(name).first.notBeforeMs <= nowMs,
    );
    const { note: cosigned, cosigners } = await this.#ask({ note, head }, asked, 'first');
    this.#isWitnessed = quorum > 0 && cosigners.length >= quorum;
    if (!this.#isWitnessed) this.#tell(head, cosigners);
    return cosigned;
  }

  /**
   * Offers the checkpoint that is shown once more to the witnesses that missed it, each after a pause, and returns at once: what got
   * cosignatures this way since the last call, with those that it had; undefined when nothing did. Call it again and again. Throws what
   * `cosign` throws, and LEDGER_CORRUPT when what is shown has a cosignature that is not good.
   */
  late(shown: Shown): Shown | undefined {
    const came = this.#came;
    this.#came = undefined;
    if (shown.head.size > this.#largest.size) this.#largest = shown.head;
    if (came !== undefined) return came();
    this.#read(shown);
    const nowMs = this.ports.elapsed();
    const missed = this.ports.witnesses.filter(({ key }) => {
      const { size, again } = this.#of(key.name);
      return size < shown.head.size && again.notBeforeMs <= nowMs;
    });
    if (missed.length > 0 && this.#offered.size === 0) void this.#offer(shown, missed);
    return undefined;
  }

  async #offer(shown: Shown, missed: readonly WitnessAddress[]): Promise<void> {
    this.#offered = new Set(missed.map(({ key }) => key.name));
    try {
      const { note } = await this.#ask(shown, missed, 'again');
      if (note !== shown.note) this.#came = () => ({ note, head: shown.head });
    } catch (error) {
      this.#came = () => {
        throw error;
      };
    } finally {
      this.#offered = new Set();
    }
  }

  /** Who cosigned what is shown: after a restart nothing else says it. */
  #read({ note, head }: Shown): void {
    if (this.#readNote === note) return;
    const cosigners = cosignedBy(
      note,
      this.ports.witnesses.map(({ key }) => key),
    );
    for (const { name } of cosigners) this.#of(name).size = Math.max(this.#of(name).size, head.size);
    this.#isWitnessed = this.ports.quorum > 0 && cosigners.length >= this.ports.quorum;
    this.#readNote = note;
  }

  async #ask({ note, head }: Shown, asked: readonly WitnessAddress[], when: 'first' | 'again') {
    const { collect, logKeys, proof, now } = this.ports;
    const collected = await collect({
      note,
      logKeys: logKeys(),
      witnesses: asked,
      knownSizes: new Map([...this.#known].map(([name, { size }]) => [name, size])),
      proof: (oldSize) => proof(oldSize, head.size),
      timeoutMs: when === 'first' ? TIMEOUT_MS : AGAIN_TIMEOUT_MS,
      now,
    });
    for (const answer of collected.answers) this.#take(answer, when);
    const differing = new Set(collected.answers.flatMap(({ status, name }) => (status === 'conflict' ? [name] : [])));
    if (differing.size > 0) await this.#assertOneHistory(differing);
    return collected;
  }

  #take(answer: WitnessAnswer, when: 'first' | 'again'): void {
    const known = this.#of(answer.name);
    known.status = answer.status;
    if (answer.status === 'cosigned') {
      known.size = answer.size;
      known.again.ms = PAUSE_FIRST_MS;
      // Who needed more time than a checkpoint waits is not waited for sooner because of it.
      if (when === 'first') known.first.ms = PAUSE_FIRST_MS;
      if (answer.hasForgotten)
        this.ports.log.error({ witness: answer.name }, 'a witness has forgotten what it cosigned');
      return;
    }
    const nowMs = this.ports.elapsed();
    const pause = known[when];
    pause.notBeforeMs = nowMs + pause.ms;
    pause.ms = Math.min(pause.ms * 2, PAUSE_MAX_MS);
    if (when === 'first') known.again.notBeforeMs = Math.max(known.again.notBeforeMs, nowMs + known.again.ms);
    if (answer.status !== 'unreachable') this.ports.log.error({ ...answer }, 'a witness does not cosign');
  }

  #of(name: string): Known {
    const known = this.#known.get(name);
    if (known === undefined) throw new TypeError(`\`${name}\` is no witness of this log`);
    return known;
  }

  /** A witness alone could lie to stop the log. What it shows counts when the log's own key signed it as well. */
  async #assertOneHistory(names: ReadonlySet<string>): Promise<void> {
    const asked = this.ports.witnesses.filter(({ key }) => names.has(key.name));
    for (const shown of await this.heads(asked)) {
      const head = this.#largest;
      if (shown.size > head.size) {
        throw new Fault(
          'LEDGER_INTEGRITY',
          `the witness \`${shown.name}\` holds a checkpoint of ${shown.size} entries that this log signed; here are ${head.size}`,
        );
      }
      const own = await this.#rootOf(shown.size, head);
      if (own !== undefined && shown.root !== own) {
        throw new Fault(
          'LEDGER_INTEGRITY',
          `the witness \`${shown.name}\` holds another checkpoint of ${shown.size} entries that this log signed`,
        );
      }
    }
  }

  async #rootOf(size: number, head: Head): Promise<string | undefined> {
    if (size === head.size) return head.root;
    return size === 0 ? EMPTY_ROOT.toString('base64url') : this.ports.rootAt(size, head.size);
  }

  #tell({ size }: Head, cosigners: readonly string[]): void {
    const nowMs = this.ports.elapsed();
    if (nowMs - this.#toldMs < TELL_EVERY_MS) return;
    this.#toldMs = nowMs;
    this.ports.log.warn({ size, cosigners, quorum: this.ports.quorum }, 'a checkpoint is UNWITNESSED');
  }
}
