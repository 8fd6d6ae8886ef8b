import type { Authority } from '#writ/signing';
import type { Block } from './block.js';
import { stepSentence } from './chain.js';
import { claimedId, inspectDamaged } from './damaged-block.js';
import { EntryChecks } from './entry-checks.js';
import { HeadCheck, type ExpectedHeads } from './head-check.js';
import { Integrator, type AcceptedBlock, type Integrated } from './integrator.js';
import type { LedgerMessage, RefusedMessage } from './judge-message.js';
import { ProblemList, type ProblemPlace, type VerifyReport } from './report.js';

export interface VerifierOptions extends ExpectedHeads {
  readonly authority: Authority;
  /** Where problems go that the caller finds beside those of the ledger itself; a list of its own otherwise. */
  readonly problems?: ProblemList;
}

interface Written {
  blocks: number;
  entries: number;
}

/**
 * Verifies a ledger offline: give it every message of the stream in order, then ask for the report. It holds per call, producer and
 * entry id what it needs to compare, never the messages. It trusts the authority alone, and names everything that is wrong.
 */
export class LedgerVerifier {
  readonly #problems: ProblemList;
  readonly #integrator: Integrator;
  readonly #written = new Map<string, Written>();
  readonly #heads: HeadCheck;
  readonly #entries: EntryChecks;
  #refused = 0;

  constructor(options: VerifierOptions) {
    this.#problems = options.problems ?? new ProblemList();
    this.#integrator = new Integrator(options.authority);
    this.#entries = new EntryChecks(options.authority, this.#problems);
    this.#heads = new HeadCheck(options, this.#integrator, this.#problems);
  }

  /** Takes the next message of the stream, and returns what it became in the log. */
  accept(message: LedgerMessage): Integrated {
    this.#checkSequence(message.seq);
    const integrated = this.#integrator.integrate(message);
    const { verdict } = integrated;
    if ('refusal' in verdict) this.#refuse(message, verdict);
    else this.#acceptBlock(message, verdict);
    this.#heads.afterMessage(message.seq);
    return integrated;
  }

  finish(): VerifyReport {
    this.#heads.finish(this.#refused);
    const producers = [...this.#written].map(([id, { blocks, entries }]) => ({
      id,
      boots: this.#integrator.bootsOf(id),
      blocks,
      entries,
    }));
    return {
      exit: this.#problems.exit,
      blocks: producers.reduce((sum, { blocks }) => sum + blocks, 0),
      entries: producers.reduce((sum, { entries }) => sum + entries, 0),
      producers: producers.sort((a, b) => (a.id < b.id ? -1 : 1)),
      openCalls: this.#entries.openCalls,
      size: this.#integrator.size,
      root: this.#integrator.root().toString('base64url'),
      problems: this.#problems.listed,
      problemsOmitted: this.#problems.omitted,
    };
  }

  #checkSequence(seq: number): void {
    const last = this.#integrator.seq;
    if (seq <= last) this.#problems.add('stream_order', `message ${seq} stands after message ${last}`, { seq });
    if (seq > last + 1)
      this.#problems.add('stream_gap', `${seq - last - 1} message(s) before message ${seq} are missing`, { seq });
  }

  #refuse(message: LedgerMessage, refused: RefusedMessage): void {
    this.#refused++;
    const damaged = inspectDamaged(message.data, message.leafHashes);
    const place = { ...(damaged.n !== undefined && { n: damaged.n }), ...placeOf(message, refused.block) };
    if (place.producer !== undefined) this.#entries.lose(place.producer);
    for (const { index, id } of damaged.altered) {
      this.#problems.add(refused.refusal, `${refused.message}; entry ${index} was altered`, {
        ...place,
        index,
        ...(id && { id }),
      });
    }
    if (damaged.altered.length > 0) return;
    const { index, block } = refused;
    const id = index === undefined ? undefined : claimedId(block?.entries[index]);
    this.#problems.add(refused.refusal, refused.message, {
      ...place,
      ...(index !== undefined && { index }),
      ...(id && { id }),
    });
  }

  #acceptBlock(message: LedgerMessage, { block, step, entries }: AcceptedBlock): void {
    const { producer } = block;
    const place = { ...placeOf(message, block), producer };
    if (step !== 'next') {
      this.#problems.add(step, stepSentence(block, step), place);
      this.#entries.lose(producer);
    }
    if (message.leafHashes !== undefined && !isSameHashes(block.leaves, message.leafHashes)) {
      const sentence = `the recorded leaf hashes of message ${message.seq} are not those of its block`;
      this.#problems.add('recorded_hashes', sentence, place);
    }
    const written = this.#written.get(producer) ?? { blocks: 0, entries: 0 };
    this.#written.set(producer, written);
    written.blocks++;
    written.entries += entries.length;
    entries.forEach((entry, index) => this.#entries.take(entry, { ...place, index }));
  }
}

function placeOf(message: LedgerMessage, block: Block | undefined): ProblemPlace & { seq: number } {
  const fallback = message.subject.split('.')[2];
  const producer = block?.producer ?? fallback;
  return { seq: message.seq, ...(producer !== undefined && { producer }), ...(block !== undefined && { n: block.n }) };
}

function isSameHashes(a: readonly Buffer[], b: readonly Buffer[]): boolean {
  return a.length === b.length && a.every((hash, index) => hash.equals(b[index] ?? Buffer.alloc(0)));
}
