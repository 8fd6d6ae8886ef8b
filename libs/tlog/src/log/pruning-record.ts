import { Entry, type EntryOf } from '#writ/contracts';
import { Fault } from '#writ/faults';
import type { TrustedKey } from '#writ/signing';
import type { BlockHeader } from '../block.js';
import type { ProblemList } from '../report.js';
import { verifyEntryText } from '../verify-block.js';
import { LOG_FILES } from './evidence.js';
import type { LogStart } from './log-start.js';

const TYPE = Buffer.from('"ledger.pruned"');

/**
 * Whether the removal of the oldest entries is on record behind them, signed by the operator. Without that the file which says where the
 * log begins could be written by anybody who has the disk.
 */
export class PruningRecord {
  #isDeclared: boolean;

  constructor(
    private readonly start: LogStart,
    private readonly problems: ProblemList,
  ) {
    this.#isDeclared = start.leaf === 0;
  }

  /** Takes the entries of a block whose signature and root hold. Call it whether or not entries are read otherwise. */
  take(header: BlockHeader, entries: readonly Buffer[], key: TrustedKey): void {
    if (this.#isDeclared || key.role !== 'operator') return;
    this.#isDeclared = entries.some((bytes, index) => {
      const pruned = bytes.includes(TYPE)
        ? readPruned({ header, key, text: bytes.toString('utf8'), index })
        : undefined;
      return pruned?.of === 'log' && pruned.leaf === this.start.leaf && pruned.file === this.start.file;
    });
  }

  /** Call it after the last block. */
  finish(): void {
    if (this.#isDeclared) return;
    const message = `the log begins at leaf ${this.start.leaf}, and no entry of the operator says that the ones before it were removed`;
    this.problems.add('undeclared_pruning', message, { file: LOG_FILES.minimum });
  }
}

function readPruned({
  header,
  key,
  text,
  index,
}: {
  readonly header: BlockHeader;
  readonly key: TrustedKey;
  readonly text: string;
  readonly index: number;
}): EntryOf<'ledger.pruned'> | undefined {
  try {
    const { data } = Entry.safeParse(verifyEntryText(header, text, index, key));
    return data?.type === 'ledger.pruned' ? data : undefined;
  } catch (thrown) {
    // What is wrong with an entry is told where entries are read.
    if (thrown instanceof Fault) return undefined;
    throw thrown;
  }
}
