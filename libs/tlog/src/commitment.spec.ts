import * as fc from 'fast-check';
import { Commitment, type Json } from '#writ/contracts';
import { commit, commitMembers, memberCommitments, memberSalt, newSalt, opensTo } from './commitment.js';

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

describe('commitMembers', () => {
  const salt = 'AAAAAAAAAAAAAAAAAAAAAA';
  const asked = { amount: 12, customer: 'anna', 'a/b~c': [true] };

  it('is opened by the whole object and by no other', () => {
    const commitment = commitMembers(salt, '/in', asked) ?? '';
    expect(Commitment.safeParse(commitment).success).toBe(true);
    expect(opensTo(commitment, { salt, path: '/in' }, asked)).toBe(true);
    expect(opensTo(commit(salt, '/in', asked), { salt, path: '/in' }, asked)).toBe(true);
    expect(opensTo(commitment, { salt, path: '/in' }, { ...asked, amount: 13 })).toBe(false);
    expect(opensTo(commitment, { salt: newSalt(), path: '/in' }, asked)).toBe(false);
    expect(opensTo(commitment, { salt, path: '/out' }, asked)).toBe(false);
  });

  it('gives each member a salt of its own, from which no other follows', () => {
    const members = memberCommitments(salt, '/in', asked);
    expect(members).toEqual({
      amount: commit(memberSalt(salt, '/in/amount'), '/in/amount', 12),
      customer: commit(memberSalt(salt, '/in/customer'), '/in/customer', 'anna'),
      'a/b~c': commit(memberSalt(salt, '/in/a~1b~0c'), '/in/a~1b~0c', [true]),
    });
    const salts = ['/in/amount', '/in/customer', '/out/amount'].map((path) => memberSalt(salt, path));
    expect(new Set([salt, ...salts]).size).toBe(4);
    expect(memberSalt(salts[0] ?? '', '/in/customer')).not.toBe(salts[1]);
  });

  it('is none for an empty object, or for more members than an agent may make us hash', () => {
    expect(commitMembers(salt, '/in', {})).toBeUndefined();
    const many = Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`m${i}`, i]));
    expect(commitMembers(salt, '/in', many)).toBeUndefined();
  });
});

describe('newSalt', () => {
  it('is 22 characters, and another each time', () => {
    const salts = Array.from({ length: 100 }, newSalt);
    expect(salts.every((each) => /^[A-Za-z0-9_-]{22}$/.test(each))).toBe(true);
    expect(new Set(salts).size).toBe(100);
  });
});
