import { missingEntries } from './record-identities.js';

const agent = (name: string, key: string) => ({ name, key, teams: [] });

describe('missingEntries', () => {
  it('records nothing when the ledger says what the registry says', () => {
    expect(missingEntries(new Map([['a', 'K1']]), [agent('a', 'K1')])).toEqual([]);
  });

  it('records the keys that were issued and those that hold no more', () => {
    expect(missingEntries(new Map([['gone', 'K1']]), [agent('fresh', 'K2')])).toEqual([
      { type: 'agent.identity.revoked', who: { agent: 'gone' }, key: 'K1' },
      { type: 'agent.identity.issued', who: { agent: 'fresh' }, key: 'K2' },
    ]);
  });

  it('revokes the old key of a name before it records the new one', () => {
    expect(missingEntries(new Map([['a', 'K1']]), [agent('a', 'K2')]).map(({ type, key }) => [type, key])).toEqual([
      ['agent.identity.revoked', 'K1'],
      ['agent.identity.issued', 'K2'],
    ]);
  });
});
