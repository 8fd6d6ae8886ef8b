import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WordEmbedder } from './word-embedder.js';
import { readWordVectors } from './word-vectors.js';

/** Two meanings, money back and travel, and a word that is everywhere. */
const MODEL = [
  'the 1 1 1 1 1 1 1 1',
  'refund 1 0.9 0 0 0 0 0 0',
  'Reimbursement 0.9 1 0 0 0 0 0 0',
  'flight 0 0 0 0 1 0.9 0 0',
  'journey 0 0 0 0 0.9 1 0 0',
];

describe('word vectors', () => {
  let directory: string;
  let files = 0;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'writ-words-'));
  });
  afterAll(() => rm(directory, { recursive: true }));

  async function fileWith(lines: readonly string[]): Promise<string> {
    const path = join(directory, `${files++}.txt`);
    await writeFile(path, `${lines.join('\n')}\n`);
    return path;
  }
  const embedderOf = async (lines: readonly string[]) => new WordEmbedder(await readWordVectors(await fileWith(lines)));

  async function similarity(embedder: WordEmbedder, one: string, other: string): Promise<number> {
    const { vectors } = await embedder.embed([one, other]);
    const [a = [], b = []] = vectors.map((vector) => Array.from(vector));
    return a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0);
  }

  it('bring words of like meaning together, whatever their case, and keep others apart', async () => {
    const embedder = await embedderOf(MODEL);
    expect(await similarity(embedder, 'REFUND', 'reimbursement')).toBeGreaterThan(0.95);
    expect(await similarity(embedder, 'refund', 'flight')).toBeLessThan(0.2);
  });

  it('count a frequent word less than a rare one', async () => {
    const embedder = await embedderOf(MODEL);
    expect(await similarity(embedder, 'the the journey', 'journey')).toBeGreaterThan(
      await similarity(embedder, 'the the journey', 'the'),
    );
  });

  it('give what they do not know a direction of its own: it finds itself', async () => {
    const embedder = await embedderOf(MODEL);
    expect(await similarity(embedder, 'ACME-4711', 'acme 4711')).toBeCloseTo(1, 5);
    expect(Math.abs(await similarity(embedder, 'ACME', 'initech'))).toBeLessThan(0.9);
  });

  it.each(['', ' ', '!?', 'refund', '💥'])('have a vector of length 1 for %j', async (text) => {
    const embedder = await embedderOf(MODEL);
    expect(await similarity(embedder, text, text)).toBeCloseTo(1, 5);
  });

  it('are named by what is in the file: another file is another embedder', async () => {
    const [one, same, other] = [await embedderOf(MODEL), await embedderOf(MODEL), await embedderOf(MODEL.slice(1))];
    expect(one.id).toMatch(/^words-v1-[0-9a-f]{16}-8$/);
    expect([same.id === one.id, other.id === one.id]).toEqual([true, false]);
  });

  it('may begin with a line that counts them', async () => {
    const { ranks, dimensions } = await readWordVectors(await fileWith(['5 8', ...MODEL]));
    expect([ranks.size, dimensions]).toEqual([5, 8]);
  });

  it.each([
    ['a line has fewer numbers', [...MODEL, 'short 1 2 3'], ':6: word vectors need a word and 8 numbers here'],
    ['a number is none', [...MODEL, 'secret 1 2 3 4 5 6 7 x'], ':6: word vectors need finite numbers here'],
    ['a number is missing', [...MODEL, 'secret 1  3 4 5 6 7 8'], ':6: word vectors need finite numbers here'],
    ['a vector is too short', ['a 1 2'], ':1: word vectors need a word and 8 to 4096 numbers here'],
    ['there is no word', ['5 8'], ':1: word vectors need at least one word here'],
  ])('are refused, with the line and not what it says, when %s', async (_case, lines, message) => {
    const refused = readWordVectors(await fileWith(lines));
    await expect(refused).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining(message) });
    await expect(refused).rejects.not.toMatchObject({ message: expect.stringContaining('secret') });
  });

  it('are refused when there is no such file', async () => {
    const refused = readWordVectors(join(directory, 'none.txt'));
    await expect(refused).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});
