import type { PreviousLedger } from '#writ/contracts';
import type { TreeHead } from '../checkpoint.js';
import type { VerifyReport } from '../report.js';
import { TILE_WIDTH } from '../tile.js';
import { BlockCheck } from './block-check.js';
import { blockLines, type IndexedLine } from './block-index.js';
import { EntryTimes } from './entry-times.js';
import type { Evidence, Trust } from './evidence.js';
import { HeadPassage, type SignedHead } from './heads.js';
import { LeafReader } from './leaves.js';
import { checkLeftovers } from './leftovers.js';
import type { LogStart } from './log-start.js';
import { growOverRemoved } from './removed-part.js';
import { TileCheck } from './tile-check.js';

/** What a run is given besides the files. */
export interface LogRunOptions {
  readonly trust: Trust;
  /** Heads that the log signed, smallest first. */
  readonly heads: readonly SignedHead[];
  /** Leaves that there must be. */
  readonly size: number;
  readonly remembered?: TreeHead | undefined;
  readonly isStrict: boolean;
  /** Where the log says that it begins. */
  readonly start: LogStart;
  readonly onProgress?: ((done: number, size: number) => void) | undefined;
}

/** What is there, whatever is wrong with it. */
export interface LogCounts extends Omit<VerifyReport, 'exit' | 'problems' | 'problemsOmitted'> {
  /** Name of the ledger. */
  readonly ledger: string;
  /** The ledger that goes on, when this one has ended; null while it goes on itself. */
  readonly frozen: string | null;
  /** The ledger before this one, as this one says; null when there was none. Nothing here has looked at that one. */
  readonly previous: PreviousLedger | null;
  /** Messages that the log refused: each is one leaf, and claims no author. */
  readonly rejected: number;
}

/** Progress is told after so many leaves. */
const PROGRESS_LEAVES = 65_536;

/** One pass over a log directory: lines of the block index and entries side by side, and the tree over them. */
export class LogRun {
  readonly #tree: TileCheck;
  readonly #leaves: LeafReader;
  readonly #blocks: BlockCheck;
  readonly #passages: readonly HeadPassage[];
  #seq: number;
  #toldAt = 0;

  constructor(
    private readonly evidence: Evidence,
    private readonly options: LogRunOptions,
  ) {
    const { trust, heads, size, remembered, isStrict, start } = options;
    this.#tree = new TileCheck(evidence);
    // The stream goes on from one ledger to the next.
    this.#seq = trust.authority.begins - 1;
    this.#leaves = new LeafReader(evidence, size, start.leaf);
    const times = new EntryTimes(heads, evidence.problems);
    this.#blocks = new BlockCheck(evidence, { authority: trust.authority, isStrict, times, size, start });
    const expected = [heads, remembered === undefined ? [] : [remembered]];
    this.#passages = expected.map((each) => new HeadPassage(each, this.#tree, evidence));
  }

  async verify(): Promise<void> {
    this.#passHeads();
    const isGrown = await this.#growOverRemoved();
    for await (const indexed of isGrown ? blockLines(this.evidence, this.options.start.file) : []) {
      if (indexed.line.first >= this.options.size) {
        this.#addPastHead(indexed);
        break;
      }
      if (!(await this.#takeLine(indexed))) break;
      await this.#tree.compareFull();
      this.#passHeads(indexed);
      this.#tellProgress();
    }
    if (isGrown) await this.#takeUncovered(Infinity, {});
    await this.#tree.compareFull();
    await this.#finish();
  }

  /** What was found, without the verdict. */
  counts(): LogCounts {
    const producers = this.#blocks.producers();
    const { frozen, previous } = this.#blocks.closing;
    return {
      ledger: this.options.trust.authority.ledger,
      frozen: frozen ?? null,
      previous: previous ?? null,
      blocks: producers.reduce((sum, { blocks }) => sum + blocks, 0),
      entries: producers.reduce((sum, { entries }) => sum + entries, 0),
      producers,
      openCalls: this.#blocks.openCalls,
      size: this.#tree.size,
      root: this.#tree.root().toString('base64url'),
      rejected: this.#blocks.rejected,
    };
  }

  #growOverRemoved(): Promise<boolean> {
    const { start, size, heads, remembered } = this.options;
    const sizes = [...heads, ...(remembered === undefined ? [] : [remembered])].map((head) => head.size);
    return growOverRemoved(
      start,
      { tree: this.#tree, leaves: this.#leaves, evidence: this.evidence },
      { size, heads: sizes, passHeads: () => this.#passHeads() },
    );
  }

  /** Takes a line and its leaves. False when the leaves are not there: nothing after them can be placed. */
  async #takeLine({ line, file }: IndexedLine): Promise<boolean> {
    const { problems } = this.evidence;
    const place = { seq: line.seq, file };
    this.#checkSequence(line, file);
    if (line.first > this.#tree.size) await this.#takeUncovered(line.first - this.#tree.size, place);
    if (line.first !== this.#tree.size) {
      const message = `message ${line.seq} starts at leaf ${line.first}, but ${this.#tree.size} was expected`;
      problems.add('index_order', message, place);
      return true;
    }
    const leaves = await this.#leaves.take(line.count);
    this.#tree.append(leaves.hashes);
    if (line.first + line.count > this.options.size) {
      problems.add('head_boundary', `the newest head ends inside message ${line.seq}`, place);
      return false;
    }
    if (leaves.hashes.length < line.count) {
      problems.add('bad_file', `the entries of message ${line.seq} are missing`, place);
      return false;
    }
    if ('rejected' in line) this.#blocks.takeRejected(line, leaves, file);
    else await this.#blocks.takeAccepted(line, leaves, file);
    return true;
  }

  /** Leaves that no block claims still have their place in the tree. Read in pieces: an attacker says how many there are. */
  async #takeUncovered(count: number, place: { seq?: number; file?: string }): Promise<void> {
    const first = this.#tree.size;
    for (let rest = count; rest > 0;) {
      const { hashes } = await this.#leaves.take(Math.min(rest, TILE_WIDTH));
      if (hashes.length === 0) break;
      this.#tree.append(hashes);
      rest -= hashes.length;
      await this.#tree.compareFull();
    }
    const found = this.#tree.size - first;
    if (found > 0)
      this.evidence.problems.add(
        'uncovered',
        `${found} entries from leaf ${first} on are in no block: nobody signed them`,
        place,
      );
  }

  async #finish(): Promise<void> {
    const { heads, size, remembered } = this.options;
    const { problems } = this.evidence;
    const present = this.#tree.size;
    this.#passHeads();
    if (present === size) await this.#tree.comparePartial();
    else problems.add('truncated', `${size} entries must be there; only ${present} are present`);
    if (remembered !== undefined && remembered.size > present)
      problems.add(
        'remembered_ahead',
        `the remembered head has ${remembered.size} entries; only ${present} are present`,
      );
    this.#blocks.finish();
    await checkLeftovers(this.evidence, present, this.options.start);
    const { quorum } = this.options.trust.witnesses;
    problems.isWitnessed = quorum > 0 && (heads.at(-1)?.cosigners.length ?? 0) >= quorum;
  }

  #checkSequence({ seq, first }: IndexedLine['line'], file: string): void {
    const { problems } = this.evidence;
    // What stood before the beginning of the log is not there to be counted.
    if (first > 0 && first === this.options.start.leaf) this.#seq = seq - 1;
    if (seq <= this.#seq)
      problems.add('stream_order', `message ${seq} stands after message ${this.#seq}`, { seq, file });
    if (seq > this.#seq + 1)
      problems.add('stream_gap', `${seq - this.#seq - 1} message(s) before message ${seq} are missing`, { seq, file });
    this.#seq = Math.max(this.#seq, seq);
  }

  #addPastHead({ line, file }: IndexedLine): void {
    const message = `message ${line.seq} and what follows it stand after the newest head of ${this.options.size} entries`;
    this.evidence.problems.add('past_head', message, { seq: line.seq, file });
  }

  #passHeads(indexed?: IndexedLine): void {
    for (const passage of this.#passages) passage.afterBlock(indexed === undefined ? {} : { seq: indexed.line.seq });
  }

  #tellProgress(): void {
    if (this.#tree.size - this.#toldAt < PROGRESS_LEAVES) return;
    this.#toldAt = this.#tree.size;
    this.options.onProgress?.(this.#tree.size, this.options.size);
  }
}
