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
    ['another spelling of a number, as long as the right one', '[1E400,1e5]'],
    ['a shorter spelling of a number beside white space', '[1e5,   1]'],
    ['a negative zero', '[-0]'],
    ['another spelling of a string', '["\\u0061"]'],
    ['half a character', '["\ud800"]'],
    ['a key twice, further in', '[{"a":{"b":1,"b":22}}]'],
    ['keys that look like integers in another order', '{"2":1,"1":2}'],
    ['a lone surrogate', '["\\ud800"]'],
    ['no JSON', '{'],
  ])('refuses %s', (_what, text) => {
    expect(parseCanonical(text)).toBeUndefined();
  });

  it('agrees with the canonical text of what it reads, on texts that are almost canonical', () => {
    const scalar = fc.oneof(
      fc.constantFrom('1', '-0', '0', '1e5', '1.5', '123456789012345678', '"a"', '"\\u0061"', '"é"', 'null'),
    );
    const { value } = fc.letrec<{ value: string }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4, withCrossShrink: true },
        scalar,
        fc.array(tie('value'), { maxLength: 3 }).map((parts) => `[${parts.join(',')}]`),
        fc
          .array(fc.tuple(fc.constantFrom('a', 'b', 'c', '', '1', '10', '9', '__proto__'), tie('value')), {
            maxLength: 4,
          })
          .map((members) => `{${members.map(([key, each]) => `"${key}":${each}`).join(',')}}`),
      ),
    }));
    fc.assert(
      fc.property(value, (text) => {
        expect(parseCanonical(text) !== undefined).toBe(canonicalJson(JSON.parse(text) as Json) === text);
      }),
      { numRuns: 3000 },
    );
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
