import { Readable } from 'node:stream';
import { UsageError } from '../failure.js';
import { linesOf, openTokens } from './detokenise.js';

describe('the tokens that a command is given', () => {
  it('stand one on a line, whatever ends it, and empty lines are none', async () => {
    await expect(linesOf(Readable.from(['one\r\n\n  two \n', 'thr', 'ee']))).resolves.toEqual(['one', 'two', 'three']);
  });

  it('are one at least and ten thousand at most, and no input is read for longer', async () => {
    const read = await linesOf(Readable.from(Array.from({ length: 20_000 }, (_, n) => `${n}\n`)));
    expect(read).toHaveLength(10_001);
    for (const tokens of [[], read]) await expect(openTokens(tokens, '/nowhere')).rejects.toBeInstanceOf(UsageError);
  });
});
