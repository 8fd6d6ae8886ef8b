import { dataKeyId } from './key-id.js';
import { TenantKeys } from './tenant-keys.js';

const DATA_KEY = Buffer.alloc(32, 9);

describe('TenantKeys', () => {
  it('are read again from their file', () => {
    const keys = TenantKeys.create();
    const again = TenantKeys.parse(keys.toFileText());
    expect(again.unwrap('name', keys.wrap('name', DATA_KEY))).toEqual(DATA_KEY);
    expect(again.pseudonym({ type: 'customer', id: '1' })).toBe(keys.pseudonym({ type: 'customer', id: '1' }));
  });

  it('are replaced without a pseudonym being another one: the old key opens until it is taken away', () => {
    // As an earlier release wrote the file: one key alone.
    const old = TenantKeys.parse(`${Buffer.alloc(32, 7).toString('base64url')}\n`);
    const before = old.wrap('name', DATA_KEY);
    const both = TenantKeys.parse(old.withNewKey().toFileText());
    expect(both.count).toBe(2);
    expect([both.unwrap('name', before), both.isNewest(before)]).toEqual([DATA_KEY, false]);
    const after = both.wrap('name', DATA_KEY);
    const alone = TenantKeys.parse(both.withNewestAlone().toFileText());
    expect([alone.unwrap('name', after), alone.isNewest(after)]).toEqual([DATA_KEY, true]);
    expect(() => alone.unwrap('name', before)).toThrow(expect.objectContaining({ code: 'LEDGER_CORRUPT' }));
    expect(() => old.unwrap('name', after)).toThrow(expect.objectContaining({ code: 'LEDGER_CORRUPT' }));
    expect(alone.pseudonym({ type: 'a', id: 'b' })).toBe(old.pseudonym({ type: 'a', id: 'b' }));
  });

  it('open what an earlier release wrapped, which does not say by which key', () => {
    const old = TenantKeys.parse(Buffer.alloc(32, 7).toString('base64url'));
    const { box, key } = JSON.parse(Buffer.from(old.wrap('name', DATA_KEY)).toString()) as Record<string, string>;
    const before = Buffer.from(JSON.stringify({ v: 1, key, box }));
    expect(old.withNewKey().unwrap('name', before)).toEqual(DATA_KEY);
  });

  it.each([
    ['under another name', (text: string) => text, 'other'],
    ['changed', (text: string) => text.replace(/"box":"..../, '"box":"AAAA'), 'name'],
    ['cut short', (text: string) => text.replace(/"box":"[^"]*"/, '"box":"AAAA"'), 'name'],
    ['that is no JSON', () => 'nonsense', 'name'],
  ])('do not open a data key %s', (_case, change, name) => {
    const keys = TenantKeys.create();
    const stored = change(Buffer.from(keys.wrap('name', DATA_KEY)).toString());
    expect(() => keys.unwrap(name, Buffer.from(stored))).toThrow(expect.objectContaining({ code: 'LEDGER_CORRUPT' }));
  });

  it.each([['abcd'], ['{}'], [JSON.stringify({ v: 2, wrap: [], subject: 'A'.repeat(43) })]])(
    'are not read from %j',
    (text) => {
      expect(() => TenantKeys.parse(text)).toThrow(expect.objectContaining({ code: 'CONFIG_KEY' }));
    },
  );

  it('give a redacted value one digest of its kind, which nobody computes without them and which is no pseudonym', () => {
    const [ours, others] = [TenantKeys.create(), TenantKeys.create()];
    const digest = ours.redactionHash('email', 'anna@example.com');
    expect(digest).toMatch(/^[0-9a-f]{16}$/);
    const other = [others.redactionHash('email', 'anna@example.com'), ours.redactionHash('phone', 'anna@example.com')];
    expect(new Set([...other, digest]).size).toBe(3);
    const replaced = TenantKeys.parse(ours.withNewKey().toFileText());
    expect(replaced.redactionHash('email', 'anna@example.com')).toBe(digest);
    const pseudonym = ours.pseudonym({ type: 'email', id: 'anna@example.com' });
    expect(Buffer.from(pseudonym.slice(2), 'base64url').toString('hex')).not.toContain(digest);
  });

  it('give a subject one pseudonym, which nobody computes without them', () => {
    const [ours, others] = [TenantKeys.create(), TenantKeys.create()];
    const anna = { type: 'customer', id: 'anna@example.com' };
    expect(ours.pseudonym(anna)).toMatch(/^S-[A-Za-z0-9_-]{43}$/);
    const all = [ours.pseudonym(anna), others.pseudonym(anna), ours.pseudonym({ ...anna, type: 'employee' })];
    expect(new Set([...all, ours.pseudonym({ ...anna, id: 'Anna@example.com' })]).size).toBe(4);
  });
});

describe('dataKeyId', () => {
  it('is another one for each name, and says nothing of it', () => {
    const id = dataKeyId('payloadkey.default.S-x.2026-11-22-00aa.pdp-0');
    expect(id).toMatch(/^[A-Za-z0-9_-]{22}$/);
    expect(dataKeyId('payloadkey.default.S-x.2026-11-22-00ab.pdp-0')).not.toBe(id);
  });
});
