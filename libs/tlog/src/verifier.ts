import { Entry } from '#writ/contracts';
import type { Authority } from '#writ/signing';
import type { Block } from './block.js';
import { CallHistory } from './call-history.js';
import { ProducerChain, type ChainStep } from './chain.js';
import { claimedId, inspectDamaged } from './damaged-block.js';
import { HeadCheck, type ExpectedHeads } from './head-check.js';
import { judgeMessage, rejectedLeaf, type LedgerMessage, type RefusedMessage } from './judge-message.js';
import { Frontier } from './merkle.js';
import { PolicyEpochs } from './policy-epochs.js';
import { ProblemList, type ProblemPlace, type VerifyReport } from './report.js';
import type { AuthenticEntry, VerifiedBlock } from './verify-block.js';

export interface VerifierOptions extends ExpectedHeads {
  readonly authority: Authority;
  /** Where problems go that the caller finds beside those of the ledger itself; a list of its own otherwise. */
  readonly problems?: ProblemList;
}

interface ProducerState {
  readonly chain: ProducerChain;
  blocks: number;
  entries: number;
  /** Count of entries within the boot, by `prod.s`. */
  boot: string;
  s: number;
}

/** Sentences for what a chain step means, after the name of the block. */
const CHAIN_SENTENCES: Readonly<Record<Exclude<ChainStep, 'next'>, string>> = {
  gap: 'does not follow the block before it: blocks are missing',
  broken_link: 'does not point at the block before it: that one was replaced',
  boot_gap:
    'starts a boot, but does not point at the last block of the boot before: blocks are missing or were replaced',
  replay: 'stands a second time',
  fork: 'is another block with the same number: the producer has two histories',
  reordered: 'stands after a later block of the same boot',
  stale_boot: 'is of a boot that ended before',
};

/**
 * Verifies a ledger offline: give it every message of the stream in order, then ask for the report. It holds per call, producer and
 * block what it needs to compare, never the messages. It trusts the authority alone, and names everything that is wrong.
 */
export class LedgerVerifier {
  readonly #problems: ProblemList;
  readonly #frontier = new Frontier();
  readonly #producers = new Map<string, ProducerState>();
  readonly #heads: HeadCheck;
  readonly #history = new CallHistory();
  readonly #epochs: PolicyEpochs;
  readonly #ids = new Set<string>();
  #seq = 0;
  #entries = 0;
  #refused = 0;

  constructor(private readonly options: VerifierOptions) {
    this.#problems = options.problems ?? new ProblemList();
    this.#epochs = new PolicyEpochs(options.authority);
    this.#heads = new HeadCheck(options, this.#frontier, this.#problems);
  }

  accept(message: LedgerMessage): void {
    this.#checkSequence(message.seq);
    const judged = judgeMessage(message, this.options.authority);
    if ('refusal' in judged) this.#refuse(message, judged);
    else this.#acceptBlock(message, judged);
    this.#heads.afterMessage(message.seq);
  }

  finish(): VerifyReport {
    this.#heads.finish(this.#refused);
    const producers = [...this.#producers].map(([id, { chain, blocks, entries }]) => ({
      id,
      boots: chain.boots,
      blocks,
      entries,
    }));
    return {
      exit: this.#problems.exit,
      blocks: producers.reduce((sum, { blocks }) => sum + blocks, 0),
      entries: this.#entries,
      producers: producers.sort((a, b) => (a.id < b.id ? -1 : 1)),
      openCalls: this.#history.open,
      size: this.#frontier.size,
      root: this.#frontier.root().toString('base64url'),
      problems: this.#problems.listed,
      problemsOmitted: this.#problems.omitted,
    };
  }

  #checkSequence(seq: number): void {
    if (seq <= this.#seq) {
      this.#problems.add('stream_order', `message ${seq} stands after message ${this.#seq}`, { seq });
      return;
    }
    const missing = seq - this.#seq - 1;
    if (missing > 0)
      this.#problems.add('stream_gap', `${missing} message(s) before message ${seq} are missing`, { seq });
    this.#seq = seq;
  }

  #refuse(message: LedgerMessage, refused: RefusedMessage): void {
    this.#appendRejected(message, refused);
    const damaged = inspectDamaged(message.data, message.leafHashes);
    const place = { ...(damaged.n !== undefined && { n: damaged.n }), ...placeOf(message, refused.block) };
    if (place.producer !== undefined) this.#epochs.lose(place.producer);
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

  #appendRejected(message: LedgerMessage, refused: Pick<RefusedMessage, 'refusal' | 'block' | 'isAuthentic'>): void {
    this.#refused++;
    this.#frontier.append(rejectedLeaf(message, this.options.authority.ledger, refused));
  }

  #acceptBlock(message: LedgerMessage, verified: VerifiedBlock): void {
    const { block } = verified;
    const producer = this.#producerOf(block.producer);
    const place = placeOf(message, block);
    const step = producer.chain.accept(block);
    if (step !== 'next') {
      this.#problems.add(step, `block ${block.n} of \`${block.producer}\` ${CHAIN_SENTENCES[step]}`, place);
      this.#epochs.lose(block.producer);
    }
    if (step === 'replay' || step === 'fork' || step === 'reordered' || step === 'stale_boot') {
      this.#appendRejected(message, { refusal: step, block, isAuthentic: true });
      return;
    }
    if (message.leafHashes !== undefined && !isSameHashes(block.leaves, message.leafHashes)) {
      const sentence = `the recorded leaf hashes of message ${message.seq} are not those of its block`;
      this.#problems.add('recorded_hashes', sentence, place);
    }
    for (const leaf of block.leaves) this.#frontier.append(leaf);
    producer.blocks++;
    producer.entries += block.entries.length;
    this.#entries += block.entries.length;
    verified.entries.forEach((entry, index) => this.#checkEntry(entry, producer, { ...place, index }));
  }

  #checkEntry(
    raw: AuthenticEntry,
    producer: ProducerState,
    place: ProblemPlace & { seq: number; index: number },
  ): void {
    const parsed = Entry.safeParse(raw);
    if (!parsed.success) {
      const path = parsed.error.issues[0]?.path.map(String).join('.') ?? '';
      this.#problems.add(
        'schema',
        `entry ${place.index} does not follow the schema of \`${raw.type}\` at \`${path}\``,
        place,
      );
      return;
    }
    const entry = parsed.data;
    const named = { ...place, id: entry.id };
    if (entry.prod.boot !== producer.boot) Object.assign(producer, { boot: entry.prod.boot, s: 0 });
    if (entry.prod.s !== producer.s + 1) {
      this.#problems.add(
        'entry_gap',
        `entry ${place.index} has number ${entry.prod.s} of its boot; ${producer.s + 1} was expected`,
        named,
      );
    }
    producer.s = entry.prod.s;
    if (this.#ids.has(entry.id)) this.#problems.add('duplicate_id', `the entry id \`${entry.id}\` stands twice`, named);
    this.#ids.add(entry.id);
    for (const problem of [this.#history.take(entry, place.seq, place.index), this.#epochs.take(entry)]) {
      if (problem !== undefined) this.#problems.add(problem.code, problem.message, named);
    }
  }

  #producerOf(id: string): ProducerState {
    const known = this.#producers.get(id);
    if (known !== undefined) return known;
    const fresh: ProducerState = { chain: new ProducerChain(), blocks: 0, entries: 0, boot: '', s: 0 };
    this.#producers.set(id, fresh);
    return fresh;
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
