import { parse, Entry, type EntryBody } from '#writ/contracts';
import { Fault } from '#writ/faults';
import { Authority, generateSigningKey, trustedKey } from '#writ/signing';
import { FIRST_PREV, openBlock } from '#writ/tlog';
import { MemoryLog, MemoryPayloads } from '../../../test/harness/memory-logs.js';
import { BlockWriter } from './block-writer.js';
import { PayloadOpener } from './payload-opener.js';
import { PayloadSealer } from './payload-sealer.js';
import { TenantKeys } from '#writ/vault';

const key = generateSigningKey('pdp-1');
const ledger = 'writ.test/default/2026';
const authority = new Authority({ v: 1, ledger, keys: [trustedKey(key.verifyKey, 'pdp-1', 'pdp', ['pdp-0'])] });
const tenantKeys = TenantKeys.parse(Buffer.alloc(32, 7).toString('base64url'));
const refused = (agent: string): EntryBody => ({
  type: 'request.refused',
  who: { agent },
  act: { kind: 'tool.call' },
  why: { code: 'INPUT_INVALID' },
  n: 1,
});

async function openWriter(blocks = new MemoryLog(), payloads = new MemoryPayloads(), signer = () => key) {
  const writer = await BlockWriter.open({
    blocks,
    values: { payloads, sealer: new PayloadSealer(payloads, tenantKeys, { tenant: 'default', producer: 'pdp-0' }) },
    key: signer,
    ledger,
    authority: () => authority,
    tenant: 'default',
    producer: 'pdp-0',
    now: () => Date.UTC(2026, 0, 1),
    sleep: () => Promise.resolve(),
  });
  return { writer, blocks, payloads };
}

const entriesOf = (log: MemoryLog) =>
  log.messages.flatMap(({ data }) => openBlock(data).entries.map((text) => parse(Entry, JSON.parse(text))));

describe('BlockWriter', () => {
  it('puts what queued while a block was in flight into the next block', async () => {
    const { writer, blocks } = await openWriter();
    const first = writer.append(refused('a'));
    const rest = Array.from({ length: 300 }, () => writer.append(refused('b')));
    const places = await Promise.all([first, ...rest]);
    expect(blocks.messages.length).toBeLessThanOrEqual(4);
    expect(places.map(({ seq, i }) => `${seq}.${i}`)).toEqual([...new Set(places.map(({ seq, i }) => `${seq}.${i}`))]);
    expect(entriesOf(blocks).map(({ prod }) => prod.s)).toEqual(Array.from({ length: 301 }, (_, s) => s + 1));
  });

  it('writes the time that it is given, to the millisecond, and else that of its clock', async () => {
    const { writer, blocks } = await openWriter();
    const decidedMs = Date.UTC(2025, 11, 31, 23, 59, 59, 999);
    await Promise.all([writer.append(refused('a')), writer.append(refused('a'), [], { nowMs: decidedMs })]);
    expect(entriesOf(blocks).map(({ ts }) => ts)).toEqual(['2026-01-01T00:00:00.000Z', '2025-12-31T23:59:59.999Z']);
  });

  it('signs each block with the key of the moment, in one chain, and says under which one a block is on its way', async () => {
    const next = generateSigningKey('pdp-1');
    let current = key;
    const { writer, blocks } = await openWriter(new MemoryLog(), new MemoryPayloads(), () => current);
    await writer.append(refused('a'));
    current = next;
    const append = writer.append(refused('b'));
    await Promise.resolve();
    expect(writer.signing).toBe(next.id);
    await append;
    await new Promise((resolve) => setImmediate(resolve));
    expect(writer.signing).toBeUndefined();
    const [one, two] = blocks.messages.map(({ data }) => openBlock(data));
    expect([one?.key, two?.key]).toEqual([key.id, next.id]);
    expect([two?.prev, two?.n, two?.boot]).toEqual([one?.hash, 2, one?.boot]);
  });

  it('ends when no key may sign any more: nothing is written that would count for nothing', async () => {
    const { writer, blocks } = await openWriter(new MemoryLog(), new MemoryPayloads(), () => {
      throw new Fault('CONFIG_KEY', 'the key was revoked');
    });
    await expect(writer.append(refused('a'))).rejects.toMatchObject({ code: 'CONFIG_KEY' });
    await expect(writer.append(refused('a'))).rejects.toMatchObject({ code: 'CONFIG_KEY' });
    expect(blocks.messages).toEqual([]);
  });

  it('chains blocks across boots', async () => {
    const { writer, blocks } = await openWriter();
    await writer.append(refused('a'));
    await writer.append(refused('a'));
    const { writer: next } = await openWriter(blocks);
    await next.append(refused('a'));
    const [one, two, three] = blocks.messages.map(({ data }) => openBlock(data));
    expect([two?.prev, three?.prev]).toEqual([one?.hash, two?.hash]);
    expect([two?.n, three?.n]).toEqual([2, 1]);
    expect(three?.boot).not.toBe(one?.boot);
  });

  it('chains to its last own block when somebody without the key left junk on its subject', async () => {
    const { writer, blocks } = await openWriter();
    await writer.append(refused('a'));
    blocks.messages.push({ seq: 2, subject: 'ledger.block.pdp-0', data: Buffer.from('junk') });
    const { writer: next } = await openWriter(blocks);
    await next.append(refused('a'));
    const [one, , three] = blocks.messages;
    expect(openBlock(three!.data).prev).toBe(openBlock(one!.data).hash);
  });

  describe('behind a beginning that was removed', () => {
    const operatorKey = generateSigningKey('operator');
    const both = new Authority({
      v: 1,
      ledger,
      keys: [
        trustedKey(key.verifyKey, 'pdp-1', 'pdp', ['pdp-0']),
        trustedKey(operatorKey.verifyKey, 'operator', 'operator', ['operator']),
      ],
    });
    const open = (blocks: MemoryLog, producer: string) =>
      BlockWriter.open({
        ...{ blocks, ledger, producer, tenant: 'default', key: () => (producer === 'operator' ? operatorKey : key) },
        ...{ authority: () => both, now: () => Date.UTC(2026, 0, 1), sleep: () => Promise.resolve() },
      });

    it('goes on with its chain when its last block is gone, at work and after a restart, by what was carried over', async () => {
      const blocks = new MemoryLog();
      const writer = await open(blocks, 'pdp-0');
      await writer.append(refused('a'));
      const prev = openBlock(blocks.messages[0]?.data ?? Buffer.alloc(0)).hash;
      // Anybody may leave a message there; the operator alone is believed.
      blocks.messages.push({ seq: 2, subject: 'ledger.block.operator', data: Buffer.from('junk') });
      await (await open(blocks, 'operator')).append({ type: 'producer.carried', of: 'pdp-0', prev });
      blocks.trim(2);
      const restarted = new MemoryLog();
      restarted.messages.push(...blocks.messages);
      await writer.append(refused('a'));
      await (await open(restarted, 'pdp-0')).append(refused('a'));
      for (const log of [blocks, restarted])
        expect(openBlock(log.messages.at(-1)?.data ?? Buffer.alloc(0))).toMatchObject({ producer: 'pdp-0', prev });
    });

    it('begins a chain when nothing was removed, or nothing was carried over for it', async () => {
      const blocks = new MemoryLog();
      await (await open(blocks, 'operator')).append({ type: 'producer.carried', of: 'other', prev: 'h'.repeat(43) });
      await (await open(blocks, 'pdp-0')).append(refused('a'));
      expect(openBlock(blocks.messages.at(-1)?.data ?? Buffer.alloc(0)).prev).toBe(FIRST_PREV);
    });
  });

  it('fails those alone whose values could not be stored, also when that is known before the block is', async () => {
    const { writer, blocks, payloads } = await openWriter();
    payloads.isDown = true;
    const value = { path: '/in', salt: 'A'.repeat(22), value: 'x' };
    const body: EntryBody = { type: 'agent.identity.issued', who: { agent: 'support' }, key: 'UABC' };
    const [withValues, without] = await Promise.allSettled([writer.append(body, [value]), writer.append(body)]);
    expect(withValues).toMatchObject({ status: 'rejected', reason: { code: 'LEDGER_UNAVAILABLE' } });
    expect(without).toMatchObject({ status: 'fulfilled', value: { seq: 1, i: 1 } });
    payloads.isDown = false;
    await expect(writer.append(body, [value])).resolves.toMatchObject({ seq: 2 });
    expect(blocks.messages).toHaveLength(2);
  });

  it('refuses values that no message could hold, before anything is written', async () => {
    const { writer, blocks } = await openWriter();
    const value = { path: '/in', salt: 'A'.repeat(22), value: 'x'.repeat(400_001) };
    const body: EntryBody = { type: 'agent.identity.issued', who: { agent: 'support' }, key: 'UABC' };
    await expect(writer.append(body, [value])).rejects.toMatchObject({ code: 'LEDGER_ENTRY_TOO_LARGE' });
    expect(blocks.messages).toEqual([]);
    await expect(writer.append(body)).resolves.toMatchObject({ seq: 1 });
  });

  it('finds its own block in the log when the answer was lost', async () => {
    const { writer, blocks } = await openWriter();
    let failures = 1;
    blocks.fail = () => (failures-- > 0 ? 'stored-but-silent' : undefined);
    await expect(writer.append(refused('a'))).resolves.toMatchObject({ seq: 1, i: 0 });
    await expect(writer.append(refused('a'))).resolves.toMatchObject({ seq: 2, i: 0 });
    expect(blocks.messages).toHaveLength(2);
  });

  it('tries again when the block was lost on the way', async () => {
    const { writer, blocks } = await openWriter();
    let failures = 3;
    blocks.fail = () => (failures-- > 0 ? 'lost' : undefined);
    await expect(writer.append(refused('a'))).resolves.toMatchObject({ seq: 1 });
    expect(blocks.messages).toHaveLength(1);
  });

  it('stops for good when another writer owns the producer', async () => {
    const { writer: old, blocks } = await openWriter();
    await old.append(refused('a'));
    const { writer: next } = await openWriter(blocks);
    await next.append(refused('b'));
    await expect(old.append(refused('a'))).rejects.toMatchObject({ code: 'LEDGER_FENCED' });
    await expect(old.append(refused('a'))).rejects.toMatchObject({ code: 'LEDGER_FENCED' });
    await expect(next.append(refused('b'))).resolves.toMatchObject({ seq: 3 });
  });

  it('refuses while the ledger is full, and goes on without a hole when there is room again', async () => {
    const { writer, blocks } = await openWriter();
    await writer.append(refused('a'));
    blocks.fail = () => 'full';
    await expect(writer.append(refused('a'))).rejects.toMatchObject({ code: 'LEDGER_FULL' });
    blocks.fail = undefined;
    await writer.append(refused('a'));
    expect(entriesOf(blocks).map(({ prod }) => prod.s)).toEqual([1, 2]);
  });

  it('gives up after a bounded number of tries', async () => {
    const { writer, blocks } = await openWriter();
    blocks.fail = () => 'lost';
    await expect(writer.append(refused('a'))).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE' });
  });

  it('refuses an entry over the size limit and takes the next', async () => {
    const { writer } = await openWriter();
    const huge = { ...refused('a'), why: { code: 'x'.repeat(20_000) } } as EntryBody;
    await expect(writer.append(huge)).rejects.toMatchObject({ code: 'LEDGER_ENTRY_TOO_LARGE' });
    await expect(writer.append(refused('a'))).resolves.toMatchObject({ seq: 1, i: 0 });
  });

  it('refuses more when 10,000 entries wait', async () => {
    const { writer } = await openWriter();
    const waiting = Array.from({ length: 10_300 }, () => writer.append(refused('a')));
    const results = await Promise.allSettled(waiting);
    const codes = results.flatMap((result) =>
      result.status === 'rejected' ? [(result.reason as { code: string }).code] : [],
    );
    expect(new Set(codes)).toEqual(new Set(['LEDGER_OVERLOADED']));
  });

  it('makes an append durable together with its values, which only the deployment key opens', async () => {
    const { writer, blocks, payloads } = await openWriter();
    const value = { path: '/in', salt: 'A'.repeat(22), value: { text: 'a private word' } };
    const appended = await writer.append(refused('a'), [value]);
    const where = {
      producer: 'pdp-0',
      block: openBlock(blocks.messages[0]!.data).hash,
      entry: appended.id,
      writtenAtMs: Date.UTC(2026, 0, 1),
    };
    await expect(new PayloadOpener(payloads, tenantKeys).values(where)).resolves.toEqual([value]);
    await expect(new PayloadOpener(payloads, TenantKeys.create()).values(where)).rejects.toMatchObject({
      message: expect.any(String),
    });
    const onDisk = Buffer.concat([...payloads.stored, ...blocks.messages.map(({ data }) => data)]).toString();
    expect(onDisk).not.toContain('a private word');
  });

  it('gives no value of an agent whose key was deleted', async () => {
    const { writer, blocks, payloads } = await openWriter();
    const appended = await writer.append(refused('a'), [{ path: '/in', salt: 'A'.repeat(22), value: 1 }]);
    payloads.keys.clear();
    const block = openBlock(blocks.messages[0]!.data).hash;
    const where = { producer: 'pdp-0', block, entry: appended.id, writtenAtMs: Date.UTC(2026, 0, 1) };
    await expect(new PayloadOpener(payloads, tenantKeys).values(where)).resolves.toBeUndefined();
  });

  it('fails the append when the values could not be stored', async () => {
    const { writer, payloads } = await openWriter();
    payloads.isDown = true;
    const value = { path: '/in', salt: 'A'.repeat(22), value: 1 };
    await expect(writer.append(refused('a'), [value])).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE' });
  });
});
