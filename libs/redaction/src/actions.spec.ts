import { createHash } from 'node:crypto';
import { OWN_DETECTORS, type Json, type Obligation, type ObligationOf, type RedactAction } from '#writ/contracts';
import { compileRedaction } from './index.js';

const MAIL = 'ada@example.com';
const CARD = '4111 1111 1111 1111';

const hash = (kind: string, text: string) => createHash('sha256').update(`${kind} ${text}`).digest('hex').slice(0, 16);

function redact(value: Json, ...asked: readonly Partial<ObligationOf<'redact'>>[]): Json | undefined {
  const obligations = asked.map((each): Obligation => ({ type: 'redact', target: 'output', ...each }));
  return compileRedaction(obligations, 'output', { hash })?.redact(value).value;
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

  it('leaves null of a value that goes whole', () => {
    expect(redact({ a: 1 }, { paths: ['/**'], action: 'drop' })).toBeNull();
    expect(redact({ a: JSON.stringify({ k: 1 }) }, { paths: ['/a/k'], action: 'drop' })).toEqual({ a: '{}' });
  });

  it.each<[string, RedactAction[], Json]>([
    ['mask over hash', ['hash', 'mask'], { a: '[redacted:path]', b: '[redacted:card]' }],
    ['drop over mask', ['mask', 'drop'], { b: '' }],
    ['drop over hash', ['drop', 'hash'], { b: '' }],
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
  });

  it('is not done again on what an earlier one left, nor spared by what only looks like it', () => {
    const detectors = [...OWN_DETECTORS];
    const left = redact({ password: 'correct horse', mail: MAIL }, { detectors, action: 'hash' });
    expect(redact(left as Json, { detectors, action: 'hash' })).toEqual(left);
    expect(redact({ password: '[redacted:hunter2' }, { detectors })).toEqual({ password: '[redacted:password]' });
    expect(redact({ password: '[redacted:hunter2]' }, { detectors })).toEqual({ password: '[redacted:password]' });
  });
});
