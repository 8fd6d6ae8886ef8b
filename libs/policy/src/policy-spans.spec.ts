import { annotationSpan, hasSpan, headSpan, oversizedIntegers, placeOfSpan, spanOfBytes } from './policy-spans.js';
import { effectOffset, placeIn } from './policy-text.js';

const cut = (text: string, span: { start: number; end: number } | undefined) =>
  span && text.slice(span.start, span.end);

describe('a span', () => {
  it('of UTF-8 bytes is found in the text whatever the characters before and in it', () => {
    const text = 'a é日本🎉 == "é🎉" && x';
    for (const part of ['é', '日本', '🎉', '"é🎉"', 'x']) {
      const start = Buffer.byteLength(text.slice(0, text.indexOf(part)));
      expect(cut(text, spanOfBytes(text, start, start + Buffer.byteLength(part)))).toBe(part);
    }
  });

  it('has its place in the file, and ends with its line', () => {
    const policy = { file: 'f', line: 7, col: 5, text: 'a\tb\r\ncd(\r\ne)' };
    expect(placeOfSpan(policy, { start: 2, end: 3 })).toEqual({ file: 'f', line: 7, col: 7, length: 1 });
    expect(placeOfSpan(policy, { start: 6, end: 12 })).toEqual({ file: 'f', line: 8, col: 2, length: 2 });
    expect(placeOfSpan(policy, { start: 12, end: 12 })).toEqual({ file: 'f', line: 9, col: 3, length: 1 });
  });

  it('of a policy is its head, after comments and annotations', () => {
    const text =
      '// permit (x)\n@id("forbid (\\")") @a\npermit (principal, action == Action::"a)", resource) when { (1) == 1 };';
    expect(text.slice(effectOffset(text))).toMatch(/^permit \(principal/);
    expect(cut(text, headSpan(text))).toBe('permit (principal, action == Action::"a)", resource)');
    expect(cut('nonsense', headSpan('nonsense'))).toBe('nonsense');
    expect(cut('', headSpan(''))).toBe('');
  });

  it('of an annotation is all of it', () => {
    const text = '@id("id") @ reason ( "a)" ) @flag forbid (principal, action, resource);';
    expect(cut(text, annotationSpan(text, 'id'))).toBe('@id("id")');
    expect(cut(text, annotationSpan(text, 'reason'))).toBe('@ reason ( "a)" )');
    expect(cut(text, annotationSpan(text, 'flag'))).toBe('@flag');
    expect(annotationSpan(text, 'forbid')).toBeUndefined();
  });

  it('of a `has` is the name that it asks for last', () => {
    const text = 'context has input.to && context.input has "odd name" && x has cc';
    expect(cut(text, hasSpan(text, ['input', 'to']))).toBe('to');
    expect(cut(text, hasSpan(text, ['odd name']))).toBe('"odd name"');
    expect(hasSpan(text, ['input', 'cc'])?.start).toBe(text.lastIndexOf('cc'));
    expect(hasSpan(text, ['x'])).toBeUndefined();
  });

  it('of an integer that a double cannot carry is the integer, not its like in a string or a name', () => {
    const text = '9007199254740993 + 9007199254740991 + "9007199254740993" + a9007199254740993 // 9007199254740993';
    expect(oversizedIntegers(text).map((span) => cut(text, span))).toEqual(['9007199254740993']);
    expect(oversizedIntegers('9007199254740992')).toHaveLength(1);
  });
});

describe('placeIn', () => {
  it.each([
    [0, 1, 1],
    [1, 1, 2],
    [2, 2, 1],
    [3, 3, 1],
    [4, 3, 2],
  ])('puts offset %i at %i:%i', (offset, line, col) => {
    expect(placeIn('a\n\nbc', offset)).toEqual({ line, col });
  });
});
