import fc from 'fast-check';
import { canonicalJson, type Json } from '#writ/contracts';
import { parseCanonical } from './canonical-text.js';

const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

describe('parseCanonical', () => {
  it('gives the value of every canonical text', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        const text = canonicalJson(value as Json);
        expect(parseCanonical(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  it.each([
    ['white space', '{"a": 1}'],
    ['another order of keys', '{"b":1,"a":2}'],
    ['another order of keys, further in', '{"a":[{"b":1,"a":2}]}'],
    ['a key twice', '{"a":1,"a":1}'],
    ['another spelling of a number', '[1.0]'],
    ['another spelling of a string', '["\\u0061"]'],
    ['a lone surrogate', '["\\ud800"]'],
    ['no JSON', '{'],
  ])('refuses %s', (_what, text) => {
    expect(parseCanonical(text)).toBeUndefined();
  });

  it('takes keys that look like integers in the order of RFC 8785, which is not that of JavaScript', () => {
    expect(parseCanonical('{"10":1,"9":2}')).toEqual({ 10: 1, 9: 2 });
    expect(parseCanonical('{"9":2,"10":1}')).toBeUndefined();
  });

  it('refuses what is nested deeper than 64, wherever it is, so that no reader depends on the size of its stack', () => {
    expect(parseCanonical(nested(64))).toBeDefined();
    for (const text of [nested(65), nested(30_000), `{"10":1,"9":${nested(64)}}`, `{"b":${nested(64)},"a":1}`])
      expect(parseCanonical(text)).toBeUndefined();
    expect(parseCanonical(`{"10":1,"9":${nested(63)}}`)).toBeDefined();
  });
});
