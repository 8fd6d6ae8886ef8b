import { hash } from 'node:crypto';
import { openBlock, signedBytes } from '../block.js';
import type { BlockLine } from '../block-line.js';
import type { LedgerMessage } from '../judge-message.js';
import { refusalOf } from '../refusal.js';
import { ProblemList } from '../report.js';
import { blockLines } from './block-index.js';
import { Evidence, type LogDirectory } from './evidence.js';
import { readLogStart } from './log-start.js';

/** The lines of the block index of a verified log whose leaves a head of that size covers, in order. */
export async function* sealedLines(directory: LogDirectory, size: number): AsyncGenerator<BlockLine> {
  const evidence = new Evidence(directory, new ProblemList());
  const { file } = await readLogStart(evidence);
  for await (const { line } of blockLines(evidence, file)) {
    if (line.first + line.count > size) return;
    yield line;
  }
}

/** Whether a message of the stream is the one that the line is of: the same signed block, or a message that was refused at its place. */
export function isMessageOf(line: BlockLine, message: LedgerMessage): boolean {
  if (line.seq !== message.seq) return false;
  if ('rejected' in line) return line.subject === message.subject.toWellFormed();
  try {
    return openBlock(message.data).hash === hash('sha256', signedBytes(line.header), 'base64url');
  } catch (thrown) {
    if (refusalOf(thrown) === undefined) throw thrown;
    return false;
  }
}
