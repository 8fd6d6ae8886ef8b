import { PayloadSealer } from '#writ/ledger-client';
import { dataKeyId, TenantKeys } from '#writ/vault';
import { keyLogOf, MemoryPayloads } from '../../../test/harness/memory-logs.js';
import { detokenise } from './detokenise.js';
import type { RecordedErasure } from './erasures.js';

const NOON = Date.UTC(2026, 10, 22, 12);
const INVALID = { code: 'VAULT_TOKEN_INVALID' };

/** A vault in which two services made tokens of one address, for two subjects. */
async function aVault(tenantKeys = TenantKeys.create()) {
  const payloads = new MemoryPayloads();
  const erasures = new Map<string, RecordedErasure>();
  const tokens: string[] = [];
  for (const producer of ['pdp-0', 'exec-tool-1']) {
    const sealer = new PayloadSealer(payloads, tenantKeys, { tenant: 'default', producer });
    for (const holder of ['S-anna', 'S-bert']) {
      tokens.push((await sealer.tokeniser(holder, NOON))('email', `ada of ${holder}`));
    }
  }
  const ports = { keys: keyLogOf(payloads), tenantKeys, recorded: () => Promise.resolve(erasures) };
  const namesOf = (holder: string) => [...payloads.keys.keys()].filter((name) => name.includes(holder));
  /** As it is on record; the keys go only when they are destroyed as well. */
  const erase = (holder: string) => {
    const entry = { type: 'privacy.erased', by: 'dpo', basis: 'DSR-1', ts: '2026-11-22T13:00:00.000Z' };
    for (const name of namesOf(holder)) erasures.set(dataKeyId(name), entry as RecordedErasure);
  };
  const destroy = (holder: string) => namesOf(holder).forEach((name) => payloads.keys.delete(name));
  return { payloads, tokens, ports, tenantKeys, erase, destroy };
}

describe('detokenise', () => {
  it('gives the values in the order of their tokens, whichever service made them, and one twice when it is asked twice', async () => {
    const { tokens, ports } = await aVault();
    const [first = ''] = tokens;
    await expect(detokenise([...tokens.toReversed(), first], ports)).resolves.toEqual([
      'ada of S-bert',
      'ada of S-anna',
      'ada of S-bert',
      'ada of S-anna',
      'ada of S-anna',
    ]);
  });

  it('opens what was made before the tenant key was replaced', async () => {
    const { tokens, payloads, ports, tenantKeys } = await aVault();
    const replaced = tenantKeys.withNewKey();
    for (const [name, data] of payloads.keys)
      payloads.keys.set(name, replaced.wrap(name, tenantKeys.unwrap(name, data)));
    const newest = replaced.withNewestAlone();
    await expect(detokenise(tokens.slice(0, 1), { ...ports, tenantKeys: newest })).resolves.toEqual(['ada of S-anna']);
  });

  it.each([
    ['is none', () => 'ada@example.com'],
    ['is cut', (token: string) => token.slice(0, -8)],
    ['was changed', (token: string) => token.replace(/\..{4}/, '.AAAA')],
    ['is said to be of another kind', (token: string) => token.replace(':email]', ':phone]')],
    [
      'was put under another key',
      (token: string, other: string) => token.replace(/\..*/, '') + other.replace(/^[^.]*/, ''),
    ],
    ['is made up', () => `[sealed:${'A'.repeat(22)}.${'A'.repeat(43)}:email]`],
  ])('refuses a token that %s, by its place and without quoting it', async (_case, forge) => {
    const { tokens, ports } = await aVault();
    const [first = '', second = ''] = tokens;
    const forged = forge(first, second);
    const refused = detokenise([second, forged], ports);
    await expect(refused).rejects.toMatchObject({ ...INVALID, message: expect.stringMatching(/^token 2: /) });
    await expect(refused).rejects.not.toMatchObject({ message: expect.stringContaining(forged.slice(1)) });
  });

  it('refuses a token of another deployment, which has another vault', async () => {
    const [ours, theirs] = [await aVault(), await aVault()];
    await expect(detokenise(theirs.tokens, ours.ports)).rejects.toMatchObject(INVALID);
  });

  it('opens nothing that was erased, says whose order it was, and leaves the tokens of others', async () => {
    const { tokens, ports, erase, destroy } = await aVault();
    const [anna = '', bert = ''] = tokens;
    erase('S-anna');
    const gone = { code: 'LEDGER_VALUE_GONE', message: 'token 2: the value was erased by dpo on 2026-11-22' };
    // On record, and its keys are still there: the command died, or a backup brought them back.
    await expect(detokenise([bert, anna], ports)).rejects.toMatchObject(gone);
    destroy('S-anna');
    await expect(detokenise([bert, anna], ports)).rejects.toMatchObject(gone);
    await expect(detokenise([bert], ports)).resolves.toEqual(['ada of S-bert']);
  });
});
