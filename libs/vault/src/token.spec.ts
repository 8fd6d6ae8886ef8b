import fc from 'fast-check';
import { existsSync, readFileSync } from 'node:fs';
import { openToken, readToken, tokeniserOf } from './token.js';

const file = new URL('../../../../shared/benchmarks/conformance/naughty-strings.json', import.meta.url);
const NAUGHTY = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { strings: string[] }).strings : [];
const NAME = 'payloadkey.default.S-anna.2026-11-22-0123456789abcdef01234567.pdp-0';
const KEY = { name: NAME, key: Buffer.alloc(32, 7) };
const tokenise = tokeniserOf(KEY);

/** What a token opens to, as who has it and a key sees it: nothing when it has not even the form of one. */
function open(text: string, key = KEY): string | undefined {
  const token = readToken(text);
  return token === undefined ? undefined : openToken(key, token);
}

const anyText = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 200 }),
  fc.constantFrom(...NAUGHTY, '', '\u0080', '\0\0', '\u0080\0'),
);

describe('a token', () => {
  it('opens to its value, whatever the value is, and is the same for the same value alone', () => {
    fc.assert(
      fc.property(anyText, anyText, (one, other) => {
        const text = one.toWellFormed();
        const token = tokenise('email', text);
        expect(open(token)).toBe(text);
        expect(tokenise('email', text)).toBe(token);
        expect(tokenise('email', other.toWellFormed()) === token).toBe(other.toWellFormed() === text);
      }),
    );
    for (const text of NAUGHTY) expect(open(tokenise('path', text))).toBe(text.toWellFormed());
  });

  it('says its kind and the id of its key, and how long the value is to sixteen bytes', () => {
    const lengths = ['', 'a', 'a'.repeat(15)].map((text) => tokenise('email', text).length);
    expect(new Set(lengths).size).toBe(1);
    expect(tokenise('email', 'a'.repeat(16)).length).toBeGreaterThan(lengths[0] ?? 0);
    expect(tokenise('email', 'ada')).toMatch(/^\[sealed:[\w-]{22}\.[\w-]{43}:email\]$/);
  });

  it.each([
    ['another kind', tokenise('email', 'ada@example.com').replace(':email', ':phone'), KEY],
    ['another key', tokenise('email', 'ada@example.com'), { ...KEY, key: Buffer.alloc(32, 8) }],
    ['another tenant', tokenise('email', 'ada'), { ...KEY, name: NAME.replace('default', 'other') }],
    ['another subject', tokenise('email', 'ada'), { ...KEY, name: NAME.replace('anna', 'bert') }],
    ['no box', '[sealed:AAAAAAAAAAAAAAAAAAAAAA.:email]', KEY],
    ['bytes at random', `[sealed:${'A'.repeat(22)}.${Buffer.alloc(48, 5).toString('base64url')}:email]`, KEY],
    ['two in one', tokenise('email', 'ada').repeat(2), KEY],
    ['a text around it', `${tokenise('email', 'ada')} `, KEY],
  ])('does not open as what it is not: %s', (_case, token, key) => {
    expect(open(token, key)).toBeUndefined();
  });

  it('does not open when any character of it is changed or left out', () => {
    const token = tokenise('email', 'ada@example.com, ada@example.org');
    // The id of the key is no part of the box: with another one, another key is looked for.
    for (let at = token.indexOf('.'); at < token.length; at++) {
      const changed = token[at] === 'A' ? 'B' : 'A';
      expect(open(token.slice(0, at) + changed + token.slice(at + 1))).toBeUndefined();
      expect(open(token.slice(0, at) + token.slice(at + 1))).toBeUndefined();
    }
  });
});
