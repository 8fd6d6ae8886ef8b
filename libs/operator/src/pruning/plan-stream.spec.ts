import { Authority } from '#writ/signing';
import type { LedgerMessage } from '#writ/tlog';
import { MemoryLog } from '../../../../test/harness/memory-logs.js';
import {
  buildHealthyLedger,
  decidedBody,
  type LedgerBuilder,
  makeDeployment,
} from '../../../../test/harness/ledger-builder.js';
import { continueLedger } from '../../../../test/harness/continued-ledger.js';
import { buildLog, directoryOf, type LogFiles } from '../../../../test/harness/log-builder.js';
import { planStream } from './plan-stream.js';

const HOUR_MS = 3_600_000;
const START_MS = Date.parse('2026-11-22T05:30:00Z');
const { authority } = makeDeployment();
const timeOf = (seq: number) => START_MS + seq * HOUR_MS;
const iso = (seq: number) => new Date(timeOf(seq)).toISOString();

/** A stream with a message each hour, of 100 bytes each, whose first messages may be gone. */
function streamOf(messages: readonly LedgerMessage[]) {
  const blocks = new MemoryLog();
  blocks.messages.push(...messages);
  const stored = messages.map((message) => ({ ...message, time: iso(message.seq) }));
  const state = {
    messages: messages.length,
    bytes: messages.length * 100,
    first_seq: messages[0]?.seq ?? 1,
    last_seq: messages.at(-1)?.seq ?? 0,
    consumer_count: 0,
  };
  return {
    blocks,
    streams: {
      info: () => Promise.resolve({ config: {}, state }),
      message: (_stream: string, seq: number) => Promise.resolve(stored.find((each) => each.seq === seq)),
      read: (_stream: string, { startTime = '' }: { startTime?: string }) =>
        Promise.resolve({ messages: stored.filter(({ time }) => time >= startTime).slice(0, 1), upToDate: true }),
    },
  };
}

async function plan(
  builder: LedgerBuilder,
  {
    keep = 5,
    now = Infinity,
    bytesMax = Infinity,
    size = Infinity,
    stream = builder.messages,
    sealed = builder.messages,
  },
) {
  const files = await buildLog(sealed);
  const [, whole = '0'] = String(files.get('checkpoint')).split('\n');
  const sources = {
    ...streamOf(stream),
    authority,
    log: directoryOf(files),
    size: Math.min(size, Number(whole)),
  };
  const retention = { ageMsMax: keep * HOUR_MS, ageMsMin: 2 * HOUR_MS, bytesMax };
  return planStream(sources, retention, Math.min(now, timeOf(builder.seq)));
}

describe('what may go from the beginning of the stream', () => {
  it('is what is older than it may be, and is in the log; the leaf with which the rest begins is told', async () => {
    const builder = buildHealthyLedger(10);
    const { first, keepFrom, leaf } = await plan(builder, { keep: 8 });
    // An outcome stands right behind its decision: the calls of messages before 35 have all ended by then.
    expect([first, keepFrom]).toEqual([1, builder.seq - 8]);
    const index = await buildLog(builder.messages.slice(0, keepFrom - 1));
    expect(String(index.get('checkpoint')).split('\n')[1]).toBe(String(leaf));
  });

  it('is nothing while nothing is old, and never the newest message', async () => {
    const builder = buildHealthyLedger(10);
    expect(await plan(builder, { keep: 1_000 })).toMatchObject({ first: 1, keepFrom: 1, carried: [] });
    expect((await plan(builder, { keep: 0 })).keepFrom).toBeLessThanOrEqual(builder.seq);
  });

  it('is not more because the clock here is a year ahead', async () => {
    const builder = buildHealthyLedger(10);
    const ahead = await planOf(builder, timeOf(builder.seq) + 365 * 24 * HOUR_MS);
    expect(ahead.keepFrom).toBe((await plan(builder, { keep: 8 })).keepFrom);
  });

  const planOf = async (builder: LedgerBuilder, nowMs: number) => {
    const files = await buildLog(builder.messages);
    const [, size = '0'] = String(files.get('checkpoint')).split('\n');
    const sources = {
      ...streamOf(builder.messages),
      authority,
      log: directoryOf(files),
      size: Number(size),
    };
    return planStream(sources, { ageMsMax: 8 * HOUR_MS, ageMsMin: 0, bytesMax: Infinity }, nowMs);
  };

  it('is sooner what is too much, but not what is younger than the least age', async () => {
    const builder = buildHealthyLedger(10);
    expect((await plan(builder, { keep: 1_000, bytesMax: 1_000 })).keepFrom).toBeGreaterThan(builder.seq - 12);
    expect((await plan(builder, { keep: 1_000, bytesMax: 1 })).keepFrom).toBeLessThanOrEqual(builder.seq - 1);
  });

  it('ends where the head ends up to which the log was verified', async () => {
    const builder = buildHealthyLedger(10);
    const { keepFrom, leaf } = await plan(builder, { keep: 1, size: 50 });
    expect(leaf).toBeLessThanOrEqual(50);
    expect(keepFrom).toBeLessThan(30);
    expect(await plan(builder, { keep: 1, size: 0 })).toMatchObject({ first: 1, keepFrom: 1 });
  });

  it('ends before an allowed call that has no end yet', async () => {
    const builder = buildHealthyLedger(4);
    const held = builder.block('pdp-0', [builder.entry('pdp-0', decidedBody('tool.call', 'open', 'allow'))]);
    for (let n = 0; n < 20; n++)
      builder.block('pdp-0', [builder.entry('pdp-0', decidedBody('tool.call', `denied-${n}`, 'deny'))]);
    expect((await plan(builder, { keep: 2 })).keepFrom).toBe(held);
  });

  it('says again the last block of who wrote nothing since, the policies in force, and keys that agents had', async () => {
    const builder = buildHealthyLedger(4);
    for (let n = 0; n < 20; n++)
      builder.block('pdp-0', [builder.entry('pdp-0', decidedBody('tool.call', `denied-${n}`, 'deny'))]);
    const { carried } = await plan(builder, { keep: 10 });
    const of = (name: string) => carried.find((body) => body.type === 'producer.carried' && body.of === name);
    const tail = (name: string) => builder.messages.findLast(({ subject }) => subject === `ledger.block.${name}`);
    const { openBlock } = await import('#writ/tlog');
    expect(of('exec-tool-1')).toEqual({
      type: 'producer.carried',
      of: 'exec-tool-1',
      prev: openBlock(tail('exec-tool-1')?.data ?? Buffer.alloc(0)).hash,
    });
    expect(of('pdp-0')).toMatchObject({ epoch: { ver: 1, highest: 1, published: false } });
    expect(of('pdp-0')).not.toHaveProperty('prev');
    expect(carried.filter(({ type }) => type === 'agent.identity.issued')).toMatchObject([
      { who: { agent: 'support' } },
    ]);
  });

  it('does not say an identity again that changed since', async () => {
    const builder = buildHealthyLedger(4);
    builder.block('operator', [
      builder.entry('operator', { type: 'agent.identity.revoked', who: { agent: 'support' }, key: 'UABC' }),
    ]);
    const { carried } = await plan(builder, { keep: 3 });
    expect(carried.filter(({ type }) => type.startsWith('agent.'))).toEqual([]);
  });

  it('says again what an earlier removal said, while nothing newer stands behind it', async () => {
    const builder = buildHealthyLedger(2);
    const epoch = {
      hash: `sha256:${'5b'.repeat(32)}`,
      ver: 3,
      highest: 7,
      published: true,
      since: '2026-01-01T00:00:00Z',
    };
    const prev = 'h'.repeat(43);
    const before = [
      builder.entry('operator', { type: 'producer.carried', of: 'pdp-1', epoch }),
      builder.entry('operator', { type: 'producer.carried', of: 'siem-1', prev }),
    ];
    builder.block('operator', before);
    for (let n = 0; n < 20; n++)
      builder.block('pdp-0', [builder.entry('pdp-0', decidedBody('tool.call', `denied-${n}`, 'deny'))]);
    const { carried } = await plan(builder, { keep: 5 });
    expect(carried).toContainEqual({ type: 'producer.carried', of: 'siem-1', prev });
    const pdp = carried.find((body) => body.type === 'producer.carried' && body.of === 'pdp-1');
    // Its own chain in the stream says version 1, which is newer than what was carried; the highest version stays the highest.
    expect(pdp).toMatchObject({ epoch: { ver: 1, highest: 7 } });
  });

  it('is nothing when the stream has another message than the log, or not the message at all', async () => {
    const builder = buildHealthyLedger(10);
    const swapped = builder.messages.map((message, at, all) =>
      at === 12 ? { ...message, data: all[13]?.data ?? message.data } : message,
    );
    await expect(plan(builder, { stream: swapped })).rejects.toMatchObject({ code: 'LEDGER_INTEGRITY' });
    await expect(plan(builder, { stream: builder.messages.toSpliced(12, 1) })).rejects.toMatchObject({
      code: 'LEDGER_INTEGRITY',
    });
  });

  it('goes on from where the last removal ended', async () => {
    const builder = buildHealthyLedger(10);
    const { first, keepFrom } = await plan(builder, { keep: 8, stream: builder.messages.slice(15) });
    expect([first, keepFrom]).toEqual([16, builder.seq - 8]);
  });
});

describe('the stream of a ledger that goes on from another one', () => {
  it('loses what is of the one before by the log of that one, and carries no end of a chain over into this one', async () => {
    const { old, next, oldMessages, nextBuilder, nextBundle } = await continueLedger();
    const stream = [...oldMessages, ...nextBuilder.messages];
    const sizeOf = (files: LogFiles) => Number(String(files.get('checkpoint')).split('\n')[1]);
    const sources = {
      ...streamOf(stream),
      authority: new Authority(nextBundle),
      log: directoryOf(next),
      size: sizeOf(next),
    };
    const before = [{ log: directoryOf(old), size: sizeOf(old) }];
    const retention = { ageMsMax: 2 * HOUR_MS, ageMsMin: HOUR_MS, bytesMax: Infinity };
    const nowMs = timeOf(stream.length);
    const found = await planStream({ ...sources, before }, retention, nowMs);
    expect(found.keepFrom).toBeGreaterThan(oldMessages.length - 1);
    const carried = found.carried.filter(({ type }) => type === 'producer.carried');
    expect(carried.map((body) => ('of' in body ? body.of : ''))).toContain('pdp-0');
    for (const body of carried) expect(body).not.toHaveProperty('prev');
    expect(found.carried).toContainEqual({ type: 'agent.identity.issued', who: { agent: 'support' }, key: 'UABC' });
    // Without the log of that one nothing goes.
    await expect(planStream(sources, retention, nowMs)).resolves.toMatchObject({ keepFrom: 1, carried: [] });
  });
});
