import type { ChainStep } from './chain.js';
import type { TreeHead } from './checkpoint.js';
import type { Refusal } from './refusal.js';

/** Exit codes of an offline verification, highest wins: 0 witnessed, 10 valid, 20 incomplete or stale, 30 two histories, 40 invalid. */
export type VerifyExit = 0 | 10 | 20 | 30 | 40;

type ChainProblem = Exclude<ChainStep, 'next' | Refusal>;
type OtherProblem =
  | 'stream_gap'
  | 'stream_order'
  | 'entry_gap'
  | 'schema'
  | 'no_decision'
  | 'second_outcome'
  | 'after_frozen'
  | 'not_continued'
  | 'no_epoch'
  | 'bad_epoch'
  | 'duplicate_id'
  | 'no_head'
  | 'truncated'
  | 'past_head'
  | 'undeclared_pruning'
  | 'head_root'
  | 'head_boundary'
  | 'bad_head'
  | 'expired_log_key'
  | 'remembered_ahead'
  | 'remembered_root'
  | 'bad_file'
  | 'stale'
  | 'stray_file'
  | 'root_key_unpinned'
  | 'rolled_back'
  | 'two_heads'
  | 'witness_time'
  | 'entry_time'
  | 'index_order'
  | 'uncovered'
  | 'hash_tile'
  | 'rejected'
  | 'rejected_leaf'
  | 'censored';
export type ProblemCode = Refusal | ChainProblem | OtherProblem;

/** What each problem makes of the whole: 0 is worth a look, 20 incomplete or stale, 30 two histories, 40 invalid. */
export const PROBLEM_EXITS: Readonly<Record<ProblemCode, 0 | 20 | 30 | 40>> = {
  malformed: 40,
  entry_size: 40,
  bad_root: 40,
  subject: 40,
  ledger: 40,
  ledger_closed: 40,
  after_frozen: 40,
  not_continued: 40,
  unknown_key: 40,
  not_authorised: 40,
  bad_sig: 40,
  expired_key: 40,
  bad_entry: 40,
  schema: 40,
  no_decision: 40,
  no_epoch: 40,
  bad_epoch: 40,
  head_root: 40,
  head_boundary: 40,
  bad_head: 40,
  expired_log_key: 40,
  bad_file: 40,
  stream_order: 40,
  replay: 30,
  fork: 30,
  reordered: 30,
  stale_boot: 30,
  broken_link: 30,
  boot_gap: 30,
  remembered_ahead: 30,
  remembered_root: 30,
  gap: 20,
  stream_gap: 20,
  entry_gap: 20,
  truncated: 20,
  past_head: 20,
  undeclared_pruning: 20,
  no_head: 20,
  stale: 20,
  second_outcome: 0,
  duplicate_id: 0,
  rolled_back: 30,
  two_heads: 30,
  witness_time: 40,
  entry_time: 20,
  index_order: 40,
  uncovered: 40,
  hash_tile: 40,
  rejected: 0,
  rejected_leaf: 40,
  censored: 30,
  stray_file: 0,
  root_key_unpinned: 0,
};

/** Where a problem is, as far as it can be told. */
export interface ProblemPlace {
  /** Stream sequence of the message. */
  readonly seq?: number;
  readonly producer?: string;
  /** Number of the block in its producer's boot. */
  readonly n?: number;
  /** Index and id of the entry in its block. */
  readonly index?: number;
  readonly id?: string;
  /** A file of an export. */
  readonly file?: string;
}

export interface Problem extends ProblemPlace {
  readonly exit: 0 | 20 | 30 | 40;
  readonly code: ProblemCode;
  readonly message: string;
}

export interface ProducerSummary {
  readonly id: string;
  readonly boots: number;
  readonly blocks: number;
  readonly entries: number;
}

/** What a verification found. `size` and `root` are of the tree over everything that is present. */
export interface VerifyReport extends TreeHead {
  readonly exit: VerifyExit;
  readonly blocks: number;
  readonly entries: number;
  readonly producers: readonly ProducerSummary[];
  /** Allowed calls without a recorded end. */
  readonly openCalls: number;
  readonly problems: readonly Problem[];
  /** Problems found beyond those listed. */
  readonly problemsOmitted: number;
}

const PROBLEMS_LISTED_MAX = 1000;

/** Collects problems: lists the first thousand, counts the rest, and keeps the highest exit code of all. */
export class ProblemList {
  readonly listed: Problem[] = [];
  omitted = 0;
  /** A quorum of witnesses has cosigned the head: without problems, that is exit 0. */
  isWitnessed = false;
  #worst: VerifyExit = 0;

  /** How many problems there are, listed or not. */
  get count(): number {
    return this.listed.length + this.omitted;
  }

  get exit(): VerifyExit {
    return this.#worst === 0 && !this.isWitnessed ? 10 : this.#worst;
  }

  add(code: ProblemCode, message: string, place: ProblemPlace = {}): void {
    const exit = PROBLEM_EXITS[code];
    if (exit > this.#worst) this.#worst = exit;
    if (this.listed.length < PROBLEMS_LISTED_MAX) this.listed.push({ exit, code, message, ...place });
    else this.omitted++;
  }
}
