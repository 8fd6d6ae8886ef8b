import { Fault } from '#writ/faults';
import type { BlockLine } from '../block-line.js';
import type { TreeHead } from '../checkpoint.js';
import { ProblemList } from '../report.js';
import { TILE_WIDTH } from '../tile.js';
import { blockLines } from './block-index.js';
import { Evidence, type LogDirectory } from './evidence.js';
import { LeafReader, type Leaves } from './leaves.js';
import { readLogStart } from './log-start.js';

/** A line of the block index and the leaves that it is of. */
export interface WalkedLine {
  readonly line: BlockLine;
  readonly leaves: Leaves;
}

/**
 * The lines of a log with their leaves, in order, from where it begins up to a head. What it gives is read, not verified. Throws
 * LEDGER_CORRUPT when something is missing or damaged on the way.
 */
export async function* walkLog(directory: LogDirectory, { size }: TreeHead): AsyncGenerator<WalkedLine> {
  const problems = new ProblemList();
  const evidence = new Evidence(directory, problems);
  const { leaf, file } = await readLogStart(evidence);
  const reader = new LeafReader(evidence, size, leaf);
  await reader.take(leaf % TILE_WIDTH);
  let end = leaf;
  for await (const { line } of blockLines(evidence, file)) {
    if (line.first >= size) break;
    const leaves = await reader.take(line.count);
    if (line.first !== end || leaves.entries.length !== line.count || problems.count > 0)
      throw new Fault('LEDGER_CORRUPT', `the log is damaged at message ${line.seq}: verify it`);
    end += line.count;
    yield { line, leaves };
  }
  if (end < size) throw new Fault('LEDGER_CORRUPT', `the log has ${end} of ${size} entries: verify it`);
}
