import { checkRequestRules, type RequestRules } from './request-rules.js';

const RULES: RequestRules = { bodyBytesMax: 8, mediaTypes: ['application/json'], headers: ['content-type', 'x-trace'] };

/** `allow`, or what the refusal is about. */
function verdict(headers: Record<string, string>, body?: string, rules = RULES): string {
  try {
    checkRequestRules({ headers, body }, rules);
    return 'allow';
  } catch (thrown) {
    const { code, message } = thrown as { code: string; message: string };
    return `${code} ${/^`(\w+)`/.exec(message)?.[1]}`;
  }
}
const typed = (type: string) => verdict({ 'content-type': type }, '{}');

describe('the rules of a destination for requests', () => {
  it('let through what they name, and everything where they say nothing', () => {
    expect(verdict({ 'content-type': 'application/json', 'x-trace': '1' }, '{"a":1}')).toBe('allow');
    expect(verdict({})).toBe('allow');
    expect(verdict({ 'x-other': '1' }, 'x'.repeat(100), {})).toBe('allow');
  });

  it('refuse a header that they do not name, and say which', () => {
    expect(verdict({ 'x-other': '1' })).toBe('INPUT_INVALID headers');
    expect(() => checkRequestRules({ headers: { 'x-other': 'secret' } }, RULES)).toThrow('`x-other`');
    expect(verdict({ 'x-trace': '1' }, undefined, { headers: [] })).toBe('INPUT_INVALID headers');
  });

  it('measure a body in bytes, not in characters', () => {
    const json = { 'content-type': 'application/json' };
    expect(verdict(json, '"\u20ac\u20ac"')).toBe('allow');
    expect(verdict(json, '"\u20ac\u20ac\u20ac"')).toBe('INPUT_INVALID body');
  });

  it.each([
    ['application/json', 'allow'],
    ['Application/JSON; charset=UTF-8', 'allow'],
    ['application/json;charset="utf-8"', 'allow'],
    ['text/plain', 'INPUT_INVALID body'],
    ['', 'INPUT_INVALID body'],
    ['application/json, text/xml', 'INPUT_INVALID body'],
    ['text/xml; a=application/json', 'INPUT_INVALID body'],
    ['application/json; charset=utf-7', 'INPUT_INVALID body'],
    ['application/json; charset=utf-8; x=y', 'INPUT_INVALID body'],
    ['application/jsonp', 'INPUT_INVALID body'],
  ])('take a body of the type %j: %s', (type, expected) => {
    expect(typed(type)).toBe(expected);
  });

  it('take no body when no type is one', () => {
    expect(verdict({ 'content-type': 'application/json' }, '{}', { mediaTypes: [] })).toBe('INPUT_INVALID body');
    expect(verdict({}, undefined, { mediaTypes: [] })).toBe('allow');
    expect(verdict({}, '{}')).toBe('INPUT_INVALID body');
  });
});
