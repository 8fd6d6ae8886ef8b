import { parseVerifyKey } from '#writ/signing';
import { readVectors } from './read-vectors.js';

interface Wycheproof {
  readonly testGroups: readonly {
    readonly publicKey: { readonly pk: string };
    readonly tests: readonly {
      readonly tcId: number;
      readonly comment: string;
      readonly msg: string;
      readonly sig: string;
      readonly result: 'valid' | 'invalid';
    }[];
  }[];
}

const vectors = readVectors<Wycheproof>('wycheproof-ed25519-test.json');

(vectors ? describe : describe.skip)('VerifyKey against Wycheproof (IDENTITY-12)', () => {
  it('agrees with all 151 vectors', () => {
    const answers = (vectors?.testGroups ?? []).flatMap(({ publicKey, tests }) => {
      const key = parseVerifyKey(Buffer.from(publicKey.pk, 'hex').toString('base64url'));
      return tests.map(({ tcId, comment, msg, sig, result }) => ({
        name: `${tcId} ${comment}`,
        isValid: key.verify(Buffer.from(msg, 'hex'), Buffer.from(sig, 'hex')),
        expected: result === 'valid',
      }));
    });
    expect(answers).toHaveLength(151);
    expect(answers.filter(({ isValid, expected }) => isValid !== expected)).toEqual([]);
  });
});
