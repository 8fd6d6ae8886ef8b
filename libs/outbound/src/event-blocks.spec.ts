import { EventBlocks } from './event-blocks.js';

/** What comes out for each chunk that goes in. */
function cut(...chunks: string[]) {
  const blocks = new EventBlocks();
  return chunks.map((chunk) => blocks.push(Buffer.from(chunk))?.toString());
}

describe('EventBlocks', () => {
  it.each([
    ['behind the last blank line', ['data: a\n\ndata: b\n\ndata: c'], ['data: a\n\ndata: b\n\n']],
    ['with what came before', ['da', 'ta: a\n', '\nda'], [undefined, undefined, 'data: a\n\n']],
    ['at blank lines of any kind', ['a\r\rb\r\n\r\nc'], ['a\r\rb\r\n\r\n']],
    [
      'not in the middle of an event whose line ends in two chunks',
      ['a\r', '\nb\n', '\n'],
      [undefined, undefined, 'a\r\nb\n\n'],
    ],
    ['nowhere without a blank line', ['a\nb\nc\n'], [undefined]],
  ])('cuts %s', (_case, chunks, out) => {
    expect(cut(...chunks)).toEqual(out);
  });

  it('loses and adds no byte, however a stream is cut up', () => {
    const text = 'data: a\r\n\r\n\n: x\r\rdata: b\n\r\ndata: c\n\n';
    for (let size = 1; size < text.length; size++) {
      const chunks = text.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? [];
      expect(cut(...chunks).join('')).toBe(text);
    }
  });
});
