import { deflateSync, gzipSync } from 'node:zlib';
import { OWN_DETECTORS, type Json } from '#writ/contracts';
import { compileRedaction } from './index.js';

const SECRET = 'AKIAQ3EGRZJN5XPLW7TD';
const MAIL = 'ada.lovelace@example.com';

/** What an obligation to redact every kind leaves of the arguments of a call. */
function left(value: Json): string {
  const redactor = compileRedaction([{ type: 'redact', target: 'input', detectors: [...OWN_DETECTORS] }], 'input');
  return JSON.stringify(redactor?.redact(value).value);
}

const hex = (text: string) => Buffer.from(text).toString('hex');
const base64 = (bytes: string | Buffer) => Buffer.from(bytes).toString('base64');
const percent = (text: string) => [...Buffer.from(text)].map((byte) => `%${byte.toString(16)}`).join('');
const wide = (text: string) =>
  text.replaceAll(/[!-~]/g, (character) => String.fromCharCode(character.charCodeAt(0) + 0xfee0));

describe('REDACTION-01: a secret that is encoded before it leaves', () => {
  const note = (secret: string) => `please keep ${secret} for later`;
  it.each<[string, (secret: string) => string]>([
    ['base64', (secret) => base64(note(secret))],
    ['base64url', (secret) => Buffer.from(note(secret)).toString('base64url')],
    ['base64 twice', (secret) => base64(base64(note(secret)))],
    ['hexadecimal', (secret) => hex(note(secret))],
    ['hexadecimal in capitals', (secret) => hex(note(secret)).toUpperCase()],
    ['percent signs', percent],
    ['percent signs twice', (secret) => encodeURIComponent(percent(secret))],
    ['references of HTML', (secret) => [...secret].map((each) => `&#${each.charCodeAt(0)};`).join('')],
    ['escapes of JSON', (secret) => [...secret].map((each) => `\\u00${hex(each)}`).join('')],
    ['gzip in base64', (secret) => base64(gzipSync(note(secret)))],
    ['zlib in base64', (secret) => base64(deflateSync(note(secret)))],
    ['gzip without its end', (secret) => base64(gzipSync(note(secret)).subarray(0, -9))],
  ])('does not leave in %s', (_as, encode) => {
    for (const secret of [SECRET, MAIL]) {
      const told = encode(secret);
      expect(left({ body: `see ${told} there` })).not.toContain(told.slice(8, -8));
    }
  });

  it('is not given when it says far more than it is long, for that cannot be scanned', () => {
    const bomb = base64(gzipSync(Buffer.alloc(4_000_000, 'x')));
    expect(() => left({ body: bomb })).toThrow(expect.objectContaining({ code: 'EXECUTOR_REDACTION_FAILED' }));
    expect(left({ body: base64(gzipSync('nothing to see '.repeat(100))) })).toContain('H4sI');
  });
});

describe('REDACTION-02: a secret that is split over the fields of a call', () => {
  it.each<[string, Json]>([
    ['two members', { subject: SECRET.slice(0, 9), body: SECRET.slice(9) }],
    ['many elements', { parts: [...SECRET] }],
  ])('does not leave in %s', (_as, value) => {
    const told = left(value).replaceAll(/[^A-Z0-9]/g, '');
    expect(told).not.toContain(SECRET.slice(0, 9));
    expect(told).not.toContain(SECRET.slice(9));
  });
});

describe('REDACTION-04: a secret in other characters than it is made of', () => {
  it.each<[string, string]>([
    ['full-width digits', `card ${wide('4111111111111111')} please`],
    [
      'mathematical digits',
      `card ${[...'4111111111111111'].map((digit) => String.fromCodePoint(0x1d7ce + Number(digit))).join('')}`,
    ],
    [
      'Arabic digits',
      `card ${[...'4111111111111111'].map((digit) => String.fromCharCode(0x660 + Number(digit))).join('')}`,
    ],
    ['a full-width mail address', `write to ${wide(MAIL)} today`],
    ['a mail address with letters of another alphabet', 'write to аdа.lоvelасe@example.com today'],
    ['zero-width characters', `write to ${[...MAIL].join('\u200b')} today`],
    ['soft hyphens', `key ${[...SECRET].join('\u00ad')} here`],
    ['combining marks', `key ${[...SECRET].join('\u0301')} here`],
  ])('is found as %s', (_as, text) => {
    expect(left({ text })).toMatch(/\[redacted:(?:card|email|aws-key)\]/);
  });
});

describe('REDACTION-05: a secret where a name is expected', () => {
  it.each<[string, Json]>([
    ['a key', { [SECRET]: 1 }],
    ['a key deep inside', { a: [{ b: { [`x ${SECRET}`]: true } }] }],
    ['a path', { url: `https://api.example.com/v1/${SECRET}/x` }],
    ['a query string', { url: `https://api.example.com/v1?k=${SECRET}&x=1` }],
    ['a file name', { name: `backup-${SECRET}.txt` }],
  ])('does not leave as %s', (_as, value) => {
    expect(left(value)).not.toContain(SECRET);
  });
});
