import { generateSigningKey } from './key.js';
import {
  parseManifest,
  type PolicyManifest,
  type SignedManifest,
  signManifest,
  verifyManifest,
} from './policy-manifest.js';
import { Authority, trustedKey } from './trust-bundle.js';

const LEDGER = 'writ.test/default/2026';
const [operator, pdp] = [generateSigningKey('operator'), generateSigningKey('pdp-1')];
const authority = new Authority({
  v: 1,
  ledger: LEDGER,
  keys: [
    trustedKey(operator.verifyKey, 'operator', 'operator', ['operator']),
    trustedKey(pdp.verifyKey, 'pdp-1', 'pdp', ['pdp-0']),
  ],
});
const manifest: PolicyManifest = {
  v: 1,
  ledger: LEDGER,
  version: 7,
  hash: `sha256:${'ab'.repeat(32)}`,
  author: 'alice',
  at: '2026-11-22T10:00:00.000Z',
};
const signed = signManifest(manifest, operator);

describe('a policy manifest', () => {
  it('counts when an operator signed it, as it was written and read again', () => {
    expect(() => verifyManifest(parseManifest(JSON.stringify(signed, null, 2)), authority, ['operator'])).not.toThrow();
  });

  it.each<[string, SignedManifest]>([
    ['another version', { ...signed, version: 8 }],
    ['another hash', { ...signed, hash: `sha256:${'cd'.repeat(32)}` }],
    ['another author', { ...signed, author: 'mallory' }],
    ['another time', { ...signed, at: '2026-11-23T10:00:00.000Z' }],
    ['a downgrade', { ...signed, over: 9 }],
    ['another ledger', { ...signed, ledger: 'writ.test/other/2026' }],
    ['the name of another key', { ...signed, key: pdp.id }],
    ['an unknown key', { ...signed, key: 'A'.repeat(22) }],
    ['a signature that is none', { ...signed, sig: 'A'.repeat(86) }],
    ['the key of a decision service', signManifest(manifest, pdp)],
    ['an operator of another ledger', signManifest({ ...manifest, ledger: 'writ.test/other/2026' }, operator)],
  ])('does not count with %s', (_case, forged) => {
    expect(() => verifyManifest(forged, authority, ['operator'])).toThrow(
      expect.objectContaining({ code: 'POLICY_UNSIGNED' }),
    );
  });

  it.each([
    ['nonsense', 'nonsense'],
    ['an unknown member', JSON.stringify({ ...signed, extra: 1 })],
    ['version 0', JSON.stringify({ ...signed, version: 0 })],
    ['a line break in the author', JSON.stringify({ ...signed, author: 'a\nb' })],
  ])('is not read from %s', (_case, text) => {
    expect(() => parseManifest(text)).toThrow(expect.objectContaining({ code: 'POLICY_UNSIGNED' }));
  });
});
