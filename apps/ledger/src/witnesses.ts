import { Fault } from '#writ/faults';
import type { NoteKey } from '#writ/signing';
import { EMPTY_ROOT } from '#writ/tlog';
import type { collectCosignatures, lastCosigned, WitnessAddress, WitnessAnswer } from '#writ/witness-client';
import type { Head } from './ports.js';

export interface WitnessPorts {
  readonly witnesses: readonly WitnessAddress[];
  /** How many must cosign before a checkpoint counts as witnessed. */
  readonly quorum: number;
  readonly logKey: NoteKey;
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
const PAUSE_FIRST_MS = 1_000;
const PAUSE_MAX_MS = 30_000;
const TELL_EVERY_MS = 10_000;

interface Known {
  /** What it cosigned last. */
  size: number;
  status: WitnessAnswer['status'] | 'not asked';
  /** It did not answer: it is asked again after a pause, so that checkpoints do not wait for it each time. */
  pauseMs: number;
  notBeforeMs: number;
}

/** The witnesses of the log, as the sealer knows them. */
export class Witnesses {
  readonly #known: ReadonlyMap<string, Known>;
  #isWitnessed = false;
  #toldMs = -Infinity;

  constructor(private readonly ports: WitnessPorts) {
    const fresh = (): Known => ({ size: 0, status: 'not asked', pauseMs: PAUSE_FIRST_MS, notBeforeMs: -Infinity });
    this.#known = new Map(ports.witnesses.map(({ key }) => [key.name, fresh()]));
  }

  /** For the health page. */
  get details(): object {
    const answers = [...this.#known].map(([name, { size, status }]) => [name, { size, status }]);
    return { quorum: this.ports.quorum, isWitnessed: this.#isWitnessed, witnesses: Object.fromEntries(answers) };
  }

  /** The heads that witnesses show; those that show none are left out. */
  async heads(asked = this.ports.witnesses): Promise<readonly (Head & { readonly name: string })[]> {
    const { logKey, last } = this.ports;
    const found = await Promise.all(
      asked.map(async (witness) => {
        const shown = await last(witness, { origin: logKey.name, logKeys: [logKey] }, TIMEOUT_MS);
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
    const { collect, logKey, proof, now, elapsed, quorum } = this.ports;
    const nowMs = elapsed();
    const asked = this.ports.witnesses.filter(({ key }) => (this.#known.get(key.name)?.notBeforeMs ?? 0) <= nowMs);
    if (this.ports.witnesses.length === 0) return note;
    const {
      note: cosigned,
      cosigners,
      answers,
    } = await collect({
      note,
      logKeys: [logKey],
      witnesses: asked,
      knownSizes: new Map([...this.#known].map(([name, { size }]) => [name, size])),
      proof: (oldSize) => proof(oldSize, head.size),
      timeoutMs: TIMEOUT_MS,
      now,
    });
    for (const answer of answers) this.#take(answer);
    const differing = new Set(answers.flatMap(({ status, name }) => (status === 'conflict' ? [name] : [])));
    if (differing.size > 0) await this.#assertOneHistory(head, differing);
    this.#isWitnessed = quorum > 0 && cosigners.length >= quorum;
    if (!this.#isWitnessed) this.#tell(head, cosigners);
    return cosigned;
  }

  #take(answer: WitnessAnswer): void {
    const known = this.#known.get(answer.name);
    if (known === undefined) return;
    known.status = answer.status;
    if (answer.status === 'cosigned') {
      known.size = answer.size;
      known.pauseMs = PAUSE_FIRST_MS;
      if (answer.hasForgotten)
        this.ports.log.error({ witness: answer.name }, 'a witness has forgotten what it cosigned');
      return;
    }
    known.notBeforeMs = this.ports.elapsed() + known.pauseMs;
    known.pauseMs = Math.min(known.pauseMs * 2, PAUSE_MAX_MS);
    if (answer.status !== 'unreachable') this.ports.log.error({ ...answer }, 'a witness does not cosign');
  }

  /** A witness alone could lie to stop the log. What it shows counts when the log's own key signed it as well. */
  async #assertOneHistory(head: Head, names: ReadonlySet<string>): Promise<void> {
    const asked = this.ports.witnesses.filter(({ key }) => names.has(key.name));
    for (const shown of await this.heads(asked)) {
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
