import * as fc from 'fast-check';
import { Commitment, type Json } from '#writ/contracts';
import { commit, newSalt } from './commitment.js';

describe('commit', () => {
  const salt = 'AAAAAAAAAAAAAAAAAAAAAA';

  it('is the base64url of SHA-256 over the canonical JSON of salt, path and value', () => {
    expect(commit(salt, '/in', { b: 1, a: 'x' })).toBe(commit(salt, '/in', { a: 'x', b: 1 }));
    expect(commit(salt, '/in', { b: 1, a: 'x' })).toBe('sd:OK8ESDDnUJEJLgP6KCAY4RuOuqHVH0JkX-TSVsYhQbY');
  });

  it('LEDGER-13: differs when the salt, the path or the value does', () => {
    const commitments = [
      commit(salt, '/in', 1),
      commit(newSalt(), '/in', 1),
      commit(salt, '/out', 1),
      commit(salt, '/in', 2),
    ];
    expect(new Set(commitments).size).toBe(4);
  });

  it('is what entries take for a commitment, whatever the value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(Commitment.safeParse(commit(newSalt(), '/in', value as Json)).success).toBe(true);
      }),
    );
  });
});

describe('newSalt', () => {
  it('is 22 characters, and another each time', () => {
    const salts = Array.from({ length: 100 }, newSalt);
    expect(salts.every((each) => /^[A-Za-z0-9_-]{22}$/.test(each))).toBe(true);
    expect(new Set(salts).size).toBe(100);
  });
});
