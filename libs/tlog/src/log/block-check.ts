import { isUtf8 } from 'node:buffer';
import { hash } from 'node:crypto';
import { messageOf } from '#writ/faults';
import type { Authority, TrustedKey } from '#writ/signing';
import { signedBytes } from '../block.js';
import type { AcceptedLine, RejectedLine } from '../block-line.js';
import { ProducerChain, stepSentence } from '../chain.js';
import { EntryChecks } from '../entry-checks.js';
import { merkleRoot } from '../merkle.js';
import { readRejected } from '../rejected-leaf.js';
import { refusalOf } from '../refusal.js';
import type { ProblemPlace, ProducerSummary } from '../report.js';
import { parseTile, tileOf, tilePath, TILE_WIDTH } from '../tile.js';
import { verifyEntryText, verifyHeader, type AuthenticEntry } from '../verify-block.js';
import { ClosingRecord } from './closing-record.js';
import type { EntryTimes } from './entry-times.js';
import type { Evidence } from './evidence.js';
import type { Leaves } from './leaves.js';
import type { LogStart } from './log-start.js';
import { PruningRecord } from './pruning-record.js';

const ENTRY_ID = /"id":"([0-9A-HJKMNP-TV-Z]{26})"/;

interface BlockCheckOptions {
  readonly authority: Authority;
  /** Whether entries are read at all. */
  readonly isStrict: boolean;
  readonly times: EntryTimes;
  /** Leaves that the newest head names. */
  readonly size: number;
  /** Where the log says that it begins. */
  readonly start: LogStart;
}

type LinePlace = ProblemPlace & { readonly seq: number; readonly file: string };

interface Written {
  readonly chain: ProducerChain;
  blocks: number;
  entries: number;
}

/** Checks each block of a log: who signed it, that its entries are those it commits to, its place in its chain, and its entries. */
export class BlockCheck {
  readonly #entries: EntryChecks;
  readonly #producers = new Map<string, Written>();
  /** Blocks of proved authors that the log refused: a block that follows one shows that its producer did not know. */
  readonly #refusedBlocks = new Set<string>();
  readonly #pruning: PruningRecord;
  /** What the log says of the ledgers before and after it. */
  readonly closing: ClosingRecord;
  rejected = 0;

  constructor(
    private readonly evidence: Evidence,
    private readonly options: BlockCheckOptions,
  ) {
    this.#entries = new EntryChecks(options.authority, evidence.problems);
    this.#pruning = new PruningRecord(options.start, evidence.problems);
    this.closing = new ClosingRecord(options.authority, options.start, evidence.problems);
  }

  get openCalls(): number {
    return this.#entries.openCalls;
  }

  /** What each producer wrote, by name. */
  producers(): ProducerSummary[] {
    const rows = [...this.#producers].map(([id, { chain, blocks, entries }]) => ({
      id,
      boots: chain.boots,
      blocks,
      entries,
    }));
    return rows.sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** Call it after the last block. */
  finish(): void {
    this.#pruning.finish();
    this.closing.finish();
  }

  async takeAccepted(line: AcceptedLine, leaves: Leaves, file: string): Promise<void> {
    const { producer, n } = line.header;
    const place = { seq: line.seq, producer, n, file };
    this.closing.pass(place);
    const key = this.#authorOf(line, place);
    const isRoot = merkleRoot(leaves.hashes).toString('base64url') === line.header.root;
    if (!isRoot) await this.#nameAltered(line, leaves, place);
    // A header that its producer signed is a link of the chain, also when the entries beside it are not those that it commits to.
    const written = key === undefined ? undefined : this.#follow(line, place);
    if (key === undefined || written === undefined || !isRoot) {
      this.#entries.lose(producer);
      return;
    }
    written.blocks++;
    written.entries += line.count;
    this.#pruning.take(line.header, leaves.entries, key);
    this.closing.take({ header: line.header, entries: leaves.entries, key });
    if (!this.options.isStrict) return;
    leaves.entries.forEach((bytes, index) => this.#takeEntry({ line, key, bytes, index }, place));
  }

  takeRejected({ seq, subject }: RejectedLine, leaves: Leaves, file: string): void {
    this.rejected++;
    const producer = subject.split('.')[2];
    const place = { seq, file, ...(producer !== undefined && { producer }) };
    this.closing.pass(place);
    if (producer !== undefined) this.#entries.lose(producer);
    const leaf = readRejected(String(leaves.entries[0]), this.options.authority.ledger, { seq, subject });
    if (leaf === undefined) {
      const message = `the leaf of message ${seq}, which was refused, does not say so: it has no author`;
      this.evidence.problems.add('rejected_leaf', message, place);
      return;
    }
    if (leaf.block !== null) this.#refusedBlocks.add(leaf.block);
    const isFork = leaf.reason === 'fork' || leaf.reason === 'stale_boot' || leaf.reason === 'reordered';
    const message = `the log refused message ${seq} as \`${leaf.reason}\``;
    this.evidence.problems.add(isFork ? leaf.reason : 'rejected', message, place);
  }

  #authorOf(line: AcceptedLine, place: LinePlace): TrustedKey | undefined {
    try {
      // By its leaves, which the tree commits to: the sequence in the line is what the file says.
      return verifyHeader({ ...line.header, sig: line.sig }, this.options.authority, { end: line.first + line.count });
    } catch (thrown) {
      this.#add(thrown, place);
      return undefined;
    }
  }

  /** Moves the chain of the producer. A block that the rules refuse counts here, because the log counts it. */
  #follow({ header, seq }: AcceptedLine, place: LinePlace): Written {
    const known = this.#producers.get(header.producer);
    const isBehindRemoved = known === undefined && this.options.start.leaf > 0;
    if (isBehindRemoved) this.#entries.beginAt(seq, header.producer);
    const chain = isBehindRemoved ? ProducerChain.before(header) : new ProducerChain();
    const written = known ?? { chain, blocks: 0, entries: 0 };
    this.#producers.set(header.producer, written);
    const step = written.chain.accept({ ...header, hash: hash('sha256', signedBytes(header), 'base64url') });
    if (step !== 'next') {
      this.evidence.problems.add(step, stepSentence(header, step), place);
      this.#entries.lose(header.producer);
    }
    if (this.#refusedBlocks.has(header.prev)) {
      const message = `block ${header.n} of \`${header.producer}\` follows a block that the log refused: was it held back?`;
      this.evidence.problems.add('censored', message, place);
    }
    return written;
  }

  #takeEntry(
    { line, key, bytes, index }: { line: AcceptedLine; key: TrustedKey; bytes: Buffer; index: number },
    { seq, file, producer, n }: LinePlace & { readonly producer: string; readonly n: number },
  ): void {
    const text = bytes.toString('utf8');
    // Not a copy of the place by spread, which for each entry costs as much as its schema.
    const named = { seq, file, producer, n, index };
    if (!isUtf8(bytes)) {
      this.evidence.problems.add('bad_entry', `entry ${index} is not well-formed UTF-8`, named);
      return;
    }
    let entry: AuthenticEntry;
    try {
      entry = verifyEntryText(line.header, text, index, key);
    } catch (thrown) {
      const id = claimedId(text);
      this.#add(thrown, { ...named, ...(id !== undefined && { id }) });
      return;
    }
    this.#entries.take(entry, named);
    this.options.times.check(entry['ts'], line.first + index, named);
  }

  /** Says which entries are not those of the block, if the leaf hashes in the tiles beside them are. */
  async #nameAltered({ first, count, header }: AcceptedLine, leaves: Leaves, place: LinePlace): Promise<void> {
    const { problems } = this.evidence;
    const sentence = `the entries of block ${header.n} of \`${header.producer}\` are not those that its header commits to`;
    const stored = await this.#storedHashes(first, count);
    const isStoredRoot = merkleRoot(stored).toString('base64url') === header.root;
    const altered = isStoredRoot
      ? stored.flatMap((each, i) => (leaves.hashes[i]?.equals(each) === true ? [] : [i]))
      : [];
    for (const index of altered) {
      const id = claimedId(String(leaves.entries[index]));
      problems.add('bad_root', `${sentence}; entry ${index} was altered`, { ...place, index, ...(id && { id }) });
    }
    if (altered.length === 0) problems.add('bad_root', sentence, place);
  }

  async #storedHashes(first: number, count: number): Promise<Buffer[]> {
    const hashes: Buffer[] = [];
    for (let at = first; at < first + count;) {
      const tile = tileOf(Math.max(this.options.size, at + 1), 0, at);
      const stored = parseTile((await this.evidence.find(tilePath(tile))) ?? Buffer.alloc(0), tile.width) ?? [];
      const end = Math.min(first + count, (tile.index + 1) * TILE_WIDTH);
      hashes.push(...stored.slice(at % TILE_WIDTH, end - tile.index * TILE_WIDTH));
      at = end;
    }
    return hashes;
  }

  #add(thrown: unknown, place: ProblemPlace): void {
    const refusal = refusalOf(thrown);
    if (refusal === undefined) throw thrown;
    this.evidence.problems.add(refusal, messageOf(thrown), place);
  }
}

/** The id that an entry claims; the entry may be malformed. */
function claimedId(entry: string): string | undefined {
  return ENTRY_ID.exec(entry)?.[1];
}
