import type { Json } from '#writ/contracts';
import { cutOutput } from './cut-output.js';

const VALUE = { a: [1, 'äöü€😀"\n', { b: null, c: [true, false] }], d: 'x'.repeat(20), '😀': 12.5 };
const size = (value: Json) => Buffer.byteLength(JSON.stringify(value));

describe('cutOutput', () => {
  it('gives what fits as it is', () => {
    expect(cutOutput(VALUE, { bytesMax: size(VALUE), hasMore: false })).toEqual({ output: VALUE, isCut: false });
    expect(cutOutput(VALUE, { hasMore: true })).toEqual({ output: VALUE, isCut: true });
  });

  it('cuts at any limit on a valid boundary, within it, and the more is let through the more is there', () => {
    let before = 0;
    for (let bytesMax = 2; bytesMax < size(VALUE); bytesMax++) {
      const { output, isCut } = cutOutput(VALUE, { bytesMax, hasMore: false });
      const { cut, note } = output as { cut: Json; note: string };
      expect(isCut).toBe(true);
      expect(size(cut)).toBeLessThanOrEqual(bytesMax);
      expect(JSON.stringify(cut).isWellFormed()).toBe(true);
      expect(note).toBe(`cut: the first ${size(cut)} of ${size(VALUE)} bytes`);
      expect(size(cut)).toBeGreaterThanOrEqual(before);
      before = size(cut);
    }
    expect(before).toBeGreaterThan(size(VALUE) - 15);
  });

  it.each<[string, Json, number, Json]>([
    ['a text between characters', 'a😀b', 5, 'a'],
    ['a list behind an element', [1, 22, 333], 7, [1, 22]],
    ['a list in an element', ['aa', 'bbbb'], 11, ['aa', 'bb']],
    ['an object behind a member', { a: 1, b: 22 }, 10, { a: 1 }],
    ['what has no part that fits', 123456, 3, null],
  ])('cuts %s', (_case, value, bytesMax, cut) => {
    expect(cutOutput(value, { bytesMax, hasMore: false }).output).toMatchObject({ cut });
  });

  it('says when nobody knows how much there was', () => {
    const { output } = cutOutput('x'.repeat(100), { bytesMax: 12, hasMore: true });
    expect(output).toEqual({ cut: 'x'.repeat(10), note: 'cut: the first 12 of more than 102 bytes' });
  });
});
