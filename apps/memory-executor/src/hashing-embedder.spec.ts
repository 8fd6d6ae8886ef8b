import { HashingEmbedder } from './hashing-embedder.js';

const embedder = new HashingEmbedder();

async function vectorOf(text: string): Promise<number[]> {
  const { vectors } = await embedder.embed([text]);
  return Array.from(vectors[0] ?? []);
}

async function similarity(one: string, other: string): Promise<number> {
  const [a, b] = await Promise.all([vectorOf(one), vectorOf(other)]);
  return a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0);
}

describe('HashingEmbedder', () => {
  it('gives the same vector on every machine', async () => {
    const vector = await vectorOf('The customer asked for a refund');
    const places = vector.flatMap((value, index) => (Math.abs(value) > 0.3 ? [[index, Number(value.toFixed(4))]] : []));
    expect(places).toMatchInlineSnapshot(`
     [
       [
         371,
         -0.4005,
       ],
       [
         417,
         -0.4005,
       ],
       [
         697,
         0.4005,
       ],
     ]
    `);
  });

  it.each([
    ['a word', 'word'],
    ['nothing', ''],
    ['a blank', ' '],
    ['punctuation', '!!!'],
    ['a language without blanks', '日本語'],
    ['a joined emoji', '👩‍👩‍👧'],
    ['one very long word', 'x'.repeat(32_768)],
  ])('gives a vector of length one for %s', async (_case, text) => {
    const vector = await vectorOf(text);
    expect(vector).toHaveLength(1024);
    expect(Math.hypot(...vector)).toBeCloseTo(1, 5);
  });

  it('finds a text that shares words, in another form or case, nearer than one that does not', async () => {
    const near = await similarity('Refunded the orders of Acme', 'refund for an order at ACME');
    const far = await similarity('Refunded the orders of Acme', 'quarterly security training');
    expect(near).toBeGreaterThan(far + 0.2);
  });

  it('does not embed for a caller that has given up', async () => {
    await expect(embedder.embed(['a'], { signal: AbortSignal.abort() })).rejects.toThrow('aborted');
  });
});
