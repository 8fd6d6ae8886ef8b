import { Entry, type PreviousLedger } from '#writ/contracts';
import { Fault } from '#writ/faults';
import type { Authority, TrustedKey } from '#writ/signing';
import type { BlockHeader } from '../block.js';
import { frozenBy } from '../frozen.js';
import type { ProblemList, ProblemPlace } from '../report.js';
import { type AuthenticEntry, verifyEntryText } from '../verify-block.js';
import type { LogStart } from './log-start.js';

const FROZEN = Buffer.from('"ledger.frozen"');

/** A block whose signature and root hold, and who signed it. */
interface ProvedBlock {
  readonly header: BlockHeader;
  readonly entries: readonly Buffer[];
  readonly key: TrustedKey;
}

/**
 * The two ends of a log: the ledger before it, which its first block names, and the one after it, behind whose name nothing may stand.
 * The trust bundle must say the same of both: the root key alone ends a ledger and lets another one go on.
 */
export class ClosingRecord {
  #frozen: string | undefined;
  #opened: PreviousLedger | undefined;
  #hasBegun: boolean;
  #isToldOf = false;

  constructor(
    private readonly authority: Authority,
    private readonly start: LogStart,
    private readonly problems: ProblemList,
  ) {
    // What the first block of a log says whose beginning was removed is gone with it; the bundle says it still.
    this.#hasBegun = start.leaf > 0;
  }

  /** The ledger that goes on from this one; undefined while this one has not ended. */
  get frozen(): string | undefined {
    return this.#frozen;
  }

  /** The ledger before this one, as this log says; undefined when there is none. */
  get previous(): PreviousLedger | undefined {
    return this.start.leaf === 0 ? this.#opened : this.authority.previous;
  }

  /** Call it for each message of the log, before `take`. Told once: what follows is a consequence. */
  pass(place: ProblemPlace): void {
    if (this.#frozen === undefined || this.#isToldOf) return;
    this.#isToldOf = true;
    const message = `the ledger ended, and goes on as \`${this.#frozen}\`; nothing may stand behind that`;
    this.problems.add('after_frozen', message, place);
  }

  /** Takes a block. Call it whether or not entries are read otherwise. */
  take(block: ProvedBlock): void {
    if (!this.#hasBegun) this.#opened = openedIn(block);
    this.#hasBegun = true;
    const last = block.entries.length - 1;
    if (block.entries[last]?.includes(FROZEN) !== true) return;
    this.#frozen ??= frozenBy(entryOf(block, last), this.authority);
  }

  /** Call it after the last block. */
  finish(): void {
    const named = this.authority.closed.at(-1);
    const { previous } = this;
    const isSame =
      named?.ledger === previous?.ledger && named?.size === previous?.size && named?.root === previous?.root;
    if (isSame || (!this.#hasBegun && this.start.leaf === 0)) return;
    const [bundle, log] = [sentenceOf(named), sentenceOf(previous)];
    const message = `the trust bundle says that this ledger goes on from ${bundle}, its first block says from ${log}`;
    this.problems.add('not_continued', message);
  }
}

function sentenceOf(ledger: Pick<PreviousLedger, 'ledger' | 'size' | 'root'> | undefined): string {
  return ledger === undefined ? 'none' : `\`${ledger.ledger}\` with ${ledger.size} entries, root ${ledger.root}`;
}

/** The sealer alone may say it. */
function openedIn(block: ProvedBlock): PreviousLedger | undefined {
  if (block.key.role !== 'ledger') return undefined;
  const { data } = Entry.safeParse(entryOf(block, 0));
  return data?.type === 'ledger.opened' ? data.prev : undefined;
}

function entryOf({ header, entries, key }: ProvedBlock, index: number): AuthenticEntry | undefined {
  try {
    return verifyEntryText(header, String(entries[index]), index, key);
  } catch (thrown) {
    // What is wrong with an entry is told where entries are read.
    if (thrown instanceof Fault) return undefined;
    throw thrown;
  }
}
