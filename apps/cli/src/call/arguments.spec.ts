import { UsageError } from '../failure.js';
import { parseHeaders, parseJsonObject } from './arguments.js';
import { parseWhole } from './parse-whole.js';

describe('parseJsonObject', () => {
  it('takes a JSON object', () => {
    expect(parseJsonObject('{"text":"hello","n":1}', 'the arguments')).toEqual({ text: 'hello', n: 1 });
  });

  it.each([
    // case                  text
    ['no JSON', 'text=hello'],
    ['a list', '[1]'],
    ['nothing', ''],
    ['a key that stands twice', '{"a":1,"a":2}'],
    ['a reserved key', '{"__proto__":1}'],
    ['a number that is not carried exactly', '{"n":9007199254740993}'],
  ])('refuses %s', (_case, text) => {
    expect(() => parseJsonObject(text, 'the arguments')).toThrow(UsageError);
  });
});

describe('parseHeaders', () => {
  it('splits at the first colon and lowers the name', () => {
    expect(parseHeaders(['Accept: text/html', 'X-At:12:30'])).toEqual({ accept: 'text/html', 'x-at': '12:30' });
  });

  it.each([[['no colon']], [[': empty name']], [['A: 1', 'a: 2']]])('refuses %j', (lines) => {
    expect(() => parseHeaders(lines)).toThrow(UsageError);
  });
});

describe('parseWhole', () => {
  it('takes whole numbers in the range', () => {
    expect(parseWhole('10', '-k', { min: 1, max: 100 })).toBe(10);
  });

  it.each(['0', '101', '1.5', 'ten', '-1', '1e1', ''])('refuses %j', (text) => {
    expect(() => parseWhole(text, '-k', { min: 1, max: 100 })).toThrow('-k must be a whole number from 1 to 100');
  });
});
