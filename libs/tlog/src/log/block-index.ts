import { isUtf8 } from 'node:buffer';
import { parseBlockLine, type BlockLine } from '../block-line.js';
import { blockFilePath, TILE_WIDTH } from '../tile.js';
import type { Evidence } from './evidence.js';

/** A line of the block index, and the file that it stands in. */
export interface IndexedLine {
  readonly line: BlockLine;
  readonly file: string;
}

/**
 * The lines of the block index in order, from a file of it on. What is damaged is a problem, and left out. Ends at the first file
 * that is not there.
 */
export async function* blockLines(evidence: Evidence, first = 0): AsyncGenerator<IndexedLine> {
  let isWhole = true;
  for (let index = first; ; index++) {
    const file = blockFilePath(index);
    const content = await evidence.find(file);
    if (content === undefined) return;
    if (!isWhole) {
      const message = `the file \`${blockFilePath(index - 1)}\` has not ${TILE_WIDTH} lines, and another follows it`;
      evidence.problems.add('bad_file', message, { file: blockFilePath(index - 1) });
    }
    const texts = readLines(evidence, content, file);
    isWhole = texts.length === TILE_WIDTH;
    for (const [at, text] of texts.entries()) {
      const line = parseBlockLine(text);
      if (line !== undefined) yield { line, file };
      else evidence.problems.add('bad_file', `line ${at + 1} of \`${file}\` is malformed`, { file });
    }
  }
}

function readLines({ problems }: Evidence, content: Buffer, file: string): readonly string[] {
  const texts = content.toString('utf8').split('\n');
  const isEnded = texts.pop() === '';
  if (!isEnded || !isUtf8(content) || texts.length < 1 || texts.length > TILE_WIDTH)
    problems.add('bad_file', `the file \`${file}\` is not 1 to ${TILE_WIDTH} whole lines of UTF-8`, { file });
  return texts.slice(0, TILE_WIDTH);
}

/** The leaves that the block index says there are, where no head says it. */
export async function sizeOfIndex(lines: AsyncIterable<IndexedLine>): Promise<number> {
  let size = 0;
  for await (const { line } of lines) size = Math.max(size, line.first + line.count);
  return size;
}
