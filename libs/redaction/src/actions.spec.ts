import { createHash } from 'node:crypto';
import {
  DETECTORS,
  OWN_DETECTORS,
  type Json,
  type Obligation,
  type ObligationOf,
  type RedactAction,
} from '#writ/contracts';
import { openToken, readToken, tokeniserOf } from '#writ/vault';
import { compileRedaction } from './index.js';

const MAIL = 'ada@example.com';
const CARD = '4111 1111 1111 1111';

const KEY = { name: 'payloadkey.default.support.2026-11-22-00.exec-1', key: Buffer.alloc(32, 7) };

const tokenise = tokeniserOf(KEY);
const hash = (kind: string, text: string) => createHash('sha256').update(`${kind} ${text}`).digest('hex').slice(0, 16);

function redact(value: Json, ...asked: readonly Partial<ObligationOf<'redact'>>[]): Json | undefined {
  const obligations = asked.map((each): Obligation => ({ type: 'redact', target: 'output', ...each }));
  return compileRedaction(obligations, 'output', { hash })?.redact(value, tokenise).value;
}

/** What each token in a text opens to, with its kind. */
function opened(value: string | undefined): string | undefined {
  return value?.replaceAll(/\[sealed:[^\]]*\]/g, (text) => {
    const token = readToken(text);
    return token === undefined ? 'no token' : `<${openToken(KEY, token)}|${token.kind}>`;
  });
}

describe('the action of a redaction', () => {
  it.each<[RedactAction, Json]>([
    [
      'mask',
      { a: '[redacted:path]', b: ['[redacted:path]', 2], c: 'to [redacted:email]', password: '[redacted:password]' },
    ],
    ['drop', { b: [2], c: 'to ' }],
  ])('is to %s', (action, expected) => {
    const value = { a: { deep: 1 }, b: [1, 2], c: `to ${MAIL}`, password: 'correct horse' };
    expect(redact(value, { paths: ['/a', '/b/0'], detectors: ['email', 'password'], action })).toEqual(expected);
  });

  it('is to hash: the same value gives the same digest wherever it stands, another one another', () => {
    const told = redact(
      { a: MAIL, b: `to ${MAIL}.`, c: 'eve@example.com', d: { x: 1, y: 2 }, e: { y: 2, x: 1 } },
      { paths: ['/d', '/e'], detectors: ['email'], action: 'hash' },
    ) as Record<string, string>;
    expect(told['a']).toBe(`[hashed:${hash('email', MAIL)}:email]`);
    expect(told['b']).toBe(`to ${told['a']}.`);
    expect(told['c']).not.toBe(told['a']);
    expect(told['d']).toMatch(/^\[hashed:[0-9a-f]{16}:path\]$/);
    expect(told['e']).toBe(told['d']);
  });

  it('is to mask when there is no key to hash with', () => {
    const obligation: Obligation = { type: 'redact', target: 'output', detectors: ['email'], action: 'hash' };
    expect(compileRedaction([obligation], 'output')?.redact(MAIL).value).toBe('[redacted:email]');
  });

  it('is to tokenise: every value that went can be had back with the key, wherever it stood and whatever it was', () => {
    const value = {
      a: MAIL,
      b: `to ${MAIL}.`,
      c: { y: 2, x: 1 },
      d: 4_111_111_111_111_111,
      password: 1234,
      e: '["x"]',
    };
    const asked = {
      paths: ['/c', '/e/0'],
      detectors: ['email', 'card', 'password'] as const,
      action: 'tokenise' as const,
    };
    const told = redact(value, { ...asked, detectors: [...asked.detectors] }) as Record<string, string>;
    expect(JSON.stringify(told)).not.toMatch(/ada|4111|1234/);
    expect(told['b']).toBe(`to ${told['a']}.`);
    expect(Object.fromEntries(Object.entries(told).map(([name, text]) => [name, opened(text)]))).toEqual({
      a: `<${MAIL}|email>`,
      b: `to <${MAIL}|email>.`,
      c: '<{"x":1,"y":2}|path>',
      d: '<4111111111111111|card>',
      password: '<1234|password>',
      e: '["<x|path>"]',
    });
  });

  it.each<[string, Json, readonly Partial<ObligationOf<'redact'>>[], string]>([
    [
      'a member of it, by its path',
      { a: { pin: 1, name: 'Ada' } },
      [{ paths: ['/a'] }, { paths: ['/*/pin'], action: 'drop' }],
      '<{"name":"Ada"}|path>',
    ],
    [
      'a secret in it',
      { a: { list: [`Ada: ${CARD}`] } },
      [{ paths: ['/a'] }, { detectors: ['card'], action: 'mask' }],
      '<{"list":["Ada: [redacted:card]"]}|path>',
    ],
    [
      'a secret beside a word that names another',
      { password: `hi ${CARD}!` },
      [{ detectors: ['password'] }, { detectors: ['card'], action: 'drop' }],
      '<hi !|password>',
    ],
    [
      'a secret beside another in base64',
      { a: Buffer.from(`${CARD} is of ${MAIL}`).toString('base64') },
      [{ detectors: ['card'] }, { detectors: ['email'], action: 'mask' }],
      '<[redacted:email]|card>',
    ],
    [
      'the whole, by its key',
      { password: 'correct horse' },
      [{ paths: ['/password'] }, { detectors: ['password'], action: 'mask' }],
      '[redacted:path]',
    ],
  ])('keeps nothing in a token that another policy wants gone: %s', (_what, value, asked, expected) => {
    const told = redact(value, ...asked.map((each) => ({ action: 'tokenise' as const, ...each })));
    expect(Object.values(told as Record<string, string>).map(opened)).toEqual([expected]);
  });

  it('withholds a value when its tokens would be longer than what is scanned, before all of them are made', () => {
    let made = 0;
    const asked: Obligation = { type: 'redact', target: 'output', paths: ['/*'], action: 'tokenise' };
    const value = Array.from({ length: 60_000 }, () => 1);
    const counted = (kind: string, text: string) => {
      made++;
      return tokenise(kind, text);
    };
    expect(() => compileRedaction([asked], 'output')?.redact(value, counted)).toThrow('characters');
    expect(made).toBeLessThan(30_000);
  });

  it('is to mask when there is no key to make tokens with', () => {
    const obligation: Obligation = { type: 'redact', target: 'output', detectors: ['email'], action: 'tokenise' };
    expect(compileRedaction([obligation], 'output')?.redact(MAIL).value).toBe('[redacted:email]');
  });

  it('leaves tokens that no detector takes for something else, of whatever kind they are', () => {
    for (const kind of [...DETECTORS, 'path']) {
      for (let n = 0; n < 40; n++) {
        const value = {
          [kind]: tokenise(kind, 'x'.repeat(n)),
          said: [`${n}`, `it is ${tokenise(kind, `${n}`)}, they say`],
        };
        expect(redact(value, { detectors: [...OWN_DETECTORS] })).toEqual(value);
      }
    }
    const large = { a: tokenise('path', 'x'.repeat(100_000)) };
    expect(redact(large, { detectors: [...OWN_DETECTORS] })).toEqual(large);
  });

  it('leaves null of a value that goes whole', () => {
    expect(redact({ a: 1 }, { paths: ['/**'], action: 'drop' })).toBeNull();
    expect(redact({ a: JSON.stringify({ k: 1 }) }, { paths: ['/a/k'], action: 'drop' })).toEqual({ a: '{}' });
  });

  it.each<[string, RedactAction[], Json]>([
    ['mask over hash', ['hash', 'mask'], { a: '[redacted:path]', b: '[redacted:card]' }],
    ['drop over mask', ['mask', 'drop'], { b: '' }],
    ['drop over hash', ['drop', 'hash'], { b: '' }],
    ['mask over a token', ['tokenise', 'mask'], { a: '[redacted:path]', b: '[redacted:card]' }],
    ['drop over a token', ['drop', 'tokenise'], { b: '' }],
  ])('is the strictest where several are asked for: %s', (_which, actions, expected) => {
    const asked = actions.map((action): Partial<ObligationOf<'redact'>> => ({
      paths: ['/a'],
      detectors: ['card'],
      action,
    }));
    expect(redact({ a: 1, b: CARD }, ...asked)).toEqual(expected);
    const byStars = actions.map((action, n) => ({ paths: [n === 0 ? '/*/k' : '/a/*'], action }));
    const first = redact({ a: { k: 1 } }, ...byStars);
    expect(first).toEqual(actions.includes('drop') ? { a: {} } : { a: { k: '[redacted:path]' } });
  });

  it('is to hash rather than to tokenise where both are asked for: one of the policies wants that nobody can go back', () => {
    const asked = { detectors: ['email'] as ['email'] };
    expect(redact(MAIL, { ...asked, action: 'tokenise' }, { ...asked, action: 'hash' })).toMatch(/^\[hashed:/);
  });

  it('is the strictest of all kinds whose finds overlap', () => {
    const text = `password: ${MAIL}`;
    const asked = (password: RedactAction, email: RedactAction) =>
      redact(text, { detectors: ['password'], action: password }, { detectors: ['email'], action: email });
    expect(asked('hash', 'drop')).toBe('password: ');
    expect(asked('drop', 'hash')).toBe('password: ');
    expect(asked('mask', 'hash')).toMatch(/^password: \[redacted:/);
  });

  it('leaves out each string of a secret that is split, or hashes it as one', () => {
    const split = { x: 'AKIAQ3EGR', y: 'ZJN5XPLW7TD', z: ' beside' };
    expect(redact(split, { detectors: ['aws-key'], action: 'drop' })).toEqual({ z: ' beside' });
    const told = redact(split, { detectors: ['aws-key'], action: 'hash' }) as Record<string, string>;
    expect(told['x']).toBe(`[hashed:${hash('aws-key', 'AKIAQ3EGRZJN5XPLW7TD')}:aws-key]`);
    expect(told['y']).toBe(told['x']);
    const sealed = redact(split, { detectors: ['aws-key'], action: 'tokenise' }) as Record<string, string>;
    expect(opened(sealed['x'])).toBe('<AKIAQ3EGRZJN5XPLW7TD|aws-key>');
    expect(sealed['y']).toBe(sealed['x']);
  });

  it('is not done again on what an earlier one left, nor spared by what only looks like it', () => {
    const detectors = [...OWN_DETECTORS];
    const left = redact({ password: 'correct horse', mail: MAIL }, { detectors, action: 'hash' });
    expect(redact(left as Json, { detectors, action: 'hash' })).toEqual(left);
    const sealed = redact({ password: 'correct horse', mail: MAIL }, { detectors, action: 'tokenise' });
    expect(redact(sealed as Json, { detectors, action: 'tokenise' })).toEqual(sealed);
    expect(redact({ password: '[sealed:hunter2.x:password]' }, { detectors })).toEqual({
      password: '[redacted:password]',
    });
    expect(redact({ password: '[redacted:hunter2' }, { detectors })).toEqual({ password: '[redacted:password]' });
    expect(redact({ password: '[redacted:hunter2]' }, { detectors })).toEqual({ password: '[redacted:password]' });
  });
});
