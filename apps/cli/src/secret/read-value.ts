import type { Readable } from 'node:stream';
import { UsageError } from '../failure.js';

/** Standard input: a pipe, a file or a terminal. */
export type ValueInput = Readable & {
  readonly isTTY?: boolean;
  setRawMode?(isRaw: boolean): unknown;
};

/** More than any value; a file that was named by mistake is not read whole. */
const INPUT_BYTES_MAX = 65_536;
const BACKSPACE: ReadonlySet<string> = new Set(['\b', '\u007f']);
const END: ReadonlySet<string> = new Set(['\r', '\n', '\u0004']);
const CTRL_C = '\u0003';

/**
 * Reads a value from the input: all of it, without the line break at its end, or one line that is typed at a terminal and not shown.
 * Throws a UsageError when there is nothing, too much, or when typing was broken off.
 */
export async function readValue(input: ValueInput, note: (prompt: string) => void): Promise<string> {
  const value = input.isTTY === true ? await typed(input, note) : await piped(input);
  if (value === '') throw new UsageError('there is no value on standard input');
  return value;
}

async function piped(input: ValueInput): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of input as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > INPUT_BYTES_MAX) throw new UsageError(`standard input has more than ${INPUT_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '');
}

async function typed(input: ValueInput, note: (prompt: string) => void): Promise<string> {
  // Raw: the terminal shows nothing of what is typed. One that cannot be made to is not typed into.
  if (input.setRawMode === undefined) throw new UsageError('the terminal would show the value: pipe it in');
  input.setRawMode(true);
  note('Value (it is not shown), then Enter:');
  try {
    const letters: string[] = [];
    for await (const chunk of input as AsyncIterable<Buffer>) {
      for (const letter of chunk.toString('utf8')) {
        if (letter === CTRL_C) throw new UsageError('broken off: nothing was changed');
        if (END.has(letter)) return letters.join('');
        if (BACKSPACE.has(letter)) letters.pop();
        else letters.push(letter);
      }
      if (letters.length > INPUT_BYTES_MAX) throw new UsageError(`more than ${INPUT_BYTES_MAX} characters were typed`);
    }
    return letters.join('');
  } finally {
    input.setRawMode(false);
  }
}
