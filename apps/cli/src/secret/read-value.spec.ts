import { Readable } from 'node:stream';
import { readValue } from './read-value.js';

/** Standard input that is a pipe. */
const pipe = (...texts: string[]) => Readable.from(texts.map((text) => Buffer.from(text)));

/** A terminal on which those keys are pressed; `modes` has what it was told. */
function terminal(...keys: string[]) {
  const modes: boolean[] = [];
  const input = Object.assign(pipe(...keys), { isTTY: true, setRawMode: (isRaw: boolean) => modes.push(isRaw) });
  return { input, modes };
}

const silent = () => undefined;

describe('readValue', () => {
  it.each([
    ['as it is', ['tok-1', '23456'], 'tok-123456'],
    ['without the line break at its end', ['tok-123456\n'], 'tok-123456'],
    ['with the line breaks inside', ['-----BEGIN\r\nKEY\r\n'], '-----BEGIN\r\nKEY'],
  ])('reads a pipe %s', async (_case, texts, value) => {
    await expect(readValue(pipe(...texts), silent)).resolves.toBe(value);
  });

  it('has a terminal show nothing while a value is typed, and show again after it', async () => {
    const { input, modes } = terminal('tokX', '\u007f', '-123456', '\r', 'what comes behind');
    const notes: string[] = [];
    await expect(readValue(input, (note) => notes.push(note))).resolves.toBe('tok-123456');
    expect(modes).toEqual([true, false]);
    expect(notes.join()).not.toContain('tok');
  });

  it('changes nothing when typing is broken off, and has the terminal show again', async () => {
    const { input, modes } = terminal('tok', '\u0003');
    await expect(readValue(input, silent)).rejects.toThrow('broken off');
    expect(modes).toEqual([true, false]);
  });

  it('refuses a terminal that would show the value', async () => {
    const input = Object.assign(pipe('tok-123456\r'), { isTTY: true });
    await expect(readValue(input, silent)).rejects.toThrow('would show');
  });

  it.each([
    ['nothing', pipe()],
    ['a line break alone', pipe('\n')],
    ['more than any value', pipe('x'.repeat(65_537))],
  ])('refuses %s', async (_case, input) => {
    await expect(readValue(input, silent)).rejects.toMatchObject({ name: 'UsageError' });
  });
});
