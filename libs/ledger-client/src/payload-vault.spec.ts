import type { PayloadValue } from '#writ/contracts';
import { dataKeyId, openToken, readToken, TenantKeys } from '#writ/vault';
import { MemoryPayloads } from '../../../test/harness/memory-logs.js';
import { PayloadOpener } from './payload-opener.js';
import { PayloadSealer } from './payload-sealer.js';

const NOON = Date.UTC(2026, 10, 22, 12);
const ANNA = TenantKeys.create().pseudonym({ type: 'customer', id: 'anna' });

function aVault() {
  const payloads = new MemoryPayloads();
  const tenantKeys = TenantKeys.create();
  const sealer = new PayloadSealer(payloads, tenantKeys, { tenant: 'default', producer: 'pdp-0' });
  const opener = new PayloadOpener(payloads, tenantKeys);
  const store = async (block: string, holders: Readonly<Record<string, string>>, nowMs = NOON) => {
    const value = (entry: string): PayloadValue => ({ path: '/in', salt: 'A'.repeat(22), value: `value of ${entry}` });
    const entries = Object.entries(holders).map(([entry, holder]) => ({
      entry,
      holder,
      values: JSON.stringify([value(entry)]),
    }));
    payloads.stored.push(await sealer.seal(block, entries, nowMs));
  };
  const find = (block: string, entry: string, by = opener) =>
    by.find({ producer: 'pdp-0', block, entry, writtenAtMs: NOON }).then(({ status }) => status);
  const keysOf = (holder: string) => [...payloads.keys.keys()].filter((name) => name.split('.')[2] === holder);
  const destroy = (holder: string) => keysOf(holder).forEach((name) => payloads.keys.delete(name));
  /** What the keys that are stored open a token to. */
  const open = (text: string) => {
    const token = readToken(text);
    const name = [...payloads.keys.keys()].find((each) => dataKeyId(each) === token?.keyId);
    const wrapped = payloads.keys.get(name ?? '');
    if (token === undefined || name === undefined || wrapped === undefined) return undefined;
    return openToken({ name, key: tenantKeys.unwrap(name, wrapped) }, token);
  };
  return { payloads, tenantKeys, sealer, store, find, keysOf, destroy, opener, open };
}

describe('the vault', () => {
  it('has a key for each subject and day, and one for an agent where none is named', async () => {
    const { store, keysOf } = aVault();
    await store('b1', { e1: ANNA, e2: ANNA, e3: 'support' });
    await store('b2', { e4: ANNA });
    await store('b3', { e5: ANNA }, NOON + 86_400_000);
    expect(keysOf(ANNA)).toHaveLength(2);
    expect(keysOf('support')).toHaveLength(1);
    expect(keysOf(ANNA)[0]).toMatch(/^payloadkey\.default\.S-[\w-]{43}\.2026-11-22-[0-9a-f]{24}\.pdp-0$/);
  });

  it('opens no value of a subject whose key was destroyed, also to who opened one before, and those of others', async () => {
    const { store, find, destroy } = aVault();
    await store('b1', { e1: ANNA, e2: 'support' });
    expect(await find('b1', 'e1')).toBe('stored');
    destroy(ANNA);
    expect(await find('b1', 'e1')).toBe('erased');
    expect(await find('b1', 'e2')).toBe('stored');
    expect(await find('b9', 'e1')).toBe('gone');
  });

  it('seals what comes later under another key, without a restart', async () => {
    const { store, find, keysOf, destroy } = aVault();
    await store('b1', { e1: ANNA });
    const before = keysOf(ANNA);
    destroy(ANNA);
    // What was in flight is erased with it.
    await store('b2', { e2: ANNA }, NOON + 1_000);
    await store('b3', { e3: ANNA }, NOON + 2_000);
    await store('b4', { e4: ANNA }, NOON + 4_001);
    expect(await Promise.all(['e1', 'e2', 'e3', 'e4'].map((e, i) => find(`b${i + 1}`, e)))).toEqual([
      'erased',
      'erased',
      'stored',
      'stored',
    ]);
    expect(keysOf(ANNA)).not.toEqual(before);
    expect(keysOf(ANNA)).toHaveLength(1);
  });

  it('opens nothing from a backup of the values without the keys, nor from both without the tenant key', async () => {
    const { store, find, payloads, tenantKeys } = aVault();
    await store('b1', { e1: ANNA, e2: 'support' });
    const restored = new MemoryPayloads();
    restored.stored.push(...payloads.stored);
    const opener = new PayloadOpener(restored, tenantKeys);
    expect([await find('b1', 'e1', opener), await find('b1', 'e2', opener)]).toEqual(['erased', 'erased']);
    expect((await opener.open(payloads.stored[0] ?? Buffer.alloc(0))).size).toBe(0);
    const stranger = new PayloadOpener(payloads, TenantKeys.create());
    await expect(find('b1', 'e1', stranger)).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' });
  });

  it('opens no box under the key of another subject, of another block, or changed', async () => {
    const { store, find, payloads, keysOf } = aVault();
    await store('b1', { e1: ANNA });
    await store('b1', { e1: 'support' });
    const [anna = '', support = ''] = [keysOf(ANNA)[0], keysOf('support')[0]];
    const [first = Buffer.alloc(0), second = Buffer.alloc(0)] = payloads.stored
      .splice(0)
      .map((each) => Buffer.from(each));
    const renamed = (bytes: Buffer, from: string, to: string) => {
      const end = bytes.indexOf(10);
      return Buffer.concat([Buffer.from(bytes.subarray(0, end).toString().replace(from, to)), bytes.subarray(end)]);
    };
    const flipped = Buffer.from(second);
    flipped[flipped.length - 20] = (flipped.at(-20) ?? 0) ^ 1;
    for (const forged of [renamed(first, anna, support), renamed(first, '"b1"', '"b2"'), flipped]) {
      payloads.stored.splice(0, 1, forged);
      const block = forged.includes('"b2"') ? 'b2' : 'b1';
      await expect(find(block, 'e1')).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' });
    }
  });

  it('holds a bounded number of keys in memory, whoever an agent says that its calls are about', async () => {
    const { store, keysOf, find } = aVault();
    const holders = Object.fromEntries(Array.from({ length: 10_001 }, (_, i) => [`e${i}`, `S-${i}`]));
    await store('b1', holders);
    await store('b2', { again: 'S-0' });
    expect(keysOf('S-0')).toHaveLength(2);
    expect(await find('b1', 'e0')).toBe('stored');
    expect(await find('b2', 'again')).toBe('stored');
  });
});

describe('the tokens of a holder', () => {
  it('are under the key that seals the values of the same holder and day, and are erased with them', async () => {
    const { sealer, store, find, keysOf, destroy, open } = aVault();
    const token = (await sealer.tokeniser(ANNA, NOON))('email', 'ada@example.com');
    const other = (await sealer.tokeniser('support', NOON))('email', 'ada@example.com');
    await store('b1', { e1: ANNA, e2: 'support' });
    expect([keysOf(ANNA).length, keysOf('support').length]).toEqual([1, 1]);
    expect(other).not.toBe(token);
    destroy(ANNA);
    expect([open(token), await find('b1', 'e1')]).toEqual([undefined, 'erased']);
    expect([open(other), await find('b1', 'e2')]).toEqual(['ada@example.com', 'stored']);
  });

  it('are the same for the same value all day, and others the day after', async () => {
    const { sealer } = aVault();
    const at = async (nowMs: number) => (await sealer.tokeniser(ANNA, nowMs))('email', 'ada@example.com');
    const first = await at(NOON);
    expect(await at(NOON + 3_600_000)).toBe(first);
    expect(await at(NOON + 86_400_000)).not.toBe(first);
  });

  it('are made under the next key once the first was destroyed, without a restart', async () => {
    const { sealer, destroy, open } = aVault();
    await sealer.tokeniser(ANNA, NOON);
    destroy(ANNA);
    expect(open((await sealer.tokeniser(ANNA, NOON + 2_001))('email', 'ada'))).toBe('ada');
  });

  it('that are made at once count when their key is stored, and never when it could not be or was destroyed', async () => {
    const { sealer, payloads, destroy, open } = aVault();
    const { tokenise, stored } = sealer.heldTokens(ANNA, NOON);
    await expect(stored()).resolves.toBeUndefined();
    expect(open(tokenise('email', 'ada'))).toBe('ada');
    destroy(ANNA);
    const notStored = { code: 'LEDGER_UNAVAILABLE' };
    await expect(sealer.heldTokens(ANNA, NOON + 2_001).stored()).rejects.toMatchObject(notStored);
    payloads.isDown = true;
    await expect(sealer.heldTokens('support', NOON).stored()).rejects.toMatchObject(notStored);
    await expect(sealer.tokeniser('support', NOON)).rejects.toThrow();
    payloads.isDown = false;
    await expect(sealer.heldTokens('support', NOON).stored()).resolves.toBeUndefined();
  });

  it.each([
    ['midnight has come', (sealer: PayloadSealer) => sealer.tokeniser('support', NOON + 86_400_000)],
    [
      'more holders came than keys are held',
      (sealer: PayloadSealer) =>
        Promise.all(Array.from({ length: 10_000 }, (_, n) => sealer.tokeniser(`agent-${n}`, NOON))),
    ],
  ])('that are made at once count also when %s meanwhile, for their key is stored', async (_what, pass) => {
    const { sealer, open } = aVault();
    const { tokenise, stored } = sealer.heldTokens(ANNA, NOON);
    await pass(sealer);
    await expect(stored()).resolves.toBeUndefined();
    expect(open(tokenise('email', 'ada'))).toBe('ada');
  });
});
