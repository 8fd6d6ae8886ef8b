import { Fault } from '#writ/faults';
import * as fc from 'fast-check';
import { parseStrictJson } from './strict-json.js';

const read = (text: string) => parseStrictJson(Buffer.from(text));
const codeOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (error instanceof Fault) return error.code;
    throw error;
  }
  return 'accepted';
};

describe('parseStrictJson', () => {
  it.each([
    ['a key twice', '{"tool":"read","tool":"delete"}', 'INPUT_DUPLICATE_KEY'],
    ['a key twice, one of them escaped', '{"a":1,"\\u0061":2}', 'INPUT_DUPLICATE_KEY'],
    ['a key twice at depth', '{"a":[{"b":1,"b":1}]}', 'INPUT_DUPLICATE_KEY'],
    ['100,000 brackets', '['.repeat(60_000), 'INPUT_TOO_DEEP'],
    ['an integer above 2^53', '9007199254740993', 'INPUT_UNSAFE_NUMBER'],
    ['a number beyond a double', '1e400', 'INPUT_UNSAFE_NUMBER'],
    ['a lone surrogate', '"\\ud800"', 'INPUT_LONE_SURROGATE'],
    ['__proto__', '{"__proto__":{}}', 'INPUT_RESERVED_KEY'],
    ['an escaped __proto__', '{"__pr\\u006fto__":{}}', 'INPUT_RESERVED_KEY'],
    ['__entity', '{"a":{"__entity":{"type":"Agent","id":"a"}}}', 'INPUT_RESERVED_KEY'],
    ['nothing', '', 'INPUT_NOT_JSON'],
    ['a byte order mark', '\ufeff{}', 'INPUT_NOT_JSON'],
    ['two values', '1 2', 'INPUT_NOT_JSON'],
    ['a control character in a string', '"\u0001"', 'INPUT_NOT_JSON'],
    ['more than the limit', `"${'a'.repeat(70_000)}"`, 'INPUT_TOO_LARGE'],
  ])('refuses %s', (_case, text, code) => {
    expect(codeOf(() => read(text))).toBe(code);
  });

  it('refuses bytes that are not UTF-8', () => {
    expect(codeOf(() => parseStrictJson(Buffer.from([0x22, 0xff, 0x22])))).toBe('INPUT_NOT_UTF8');
  });

  it('reads whatever JSON.stringify wrote as JSON.parse does', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        const text = JSON.stringify(value);
        const code = codeOf(() => expect(read(text)).toEqual(JSON.parse(text)));
        expect([
          'accepted',
          'INPUT_UNSAFE_NUMBER',
          'INPUT_LONE_SURROGATE',
          'INPUT_RESERVED_KEY',
          'INPUT_TOO_LARGE',
        ]).toContain(code);
      }),
    );
  });
});
