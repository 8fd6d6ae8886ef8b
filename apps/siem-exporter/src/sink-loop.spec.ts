import { setImmediate as nextTurn } from 'node:timers/promises';
import { ACKNOWLEDGED, FakeSink, leafText, LOG_NAME, runLoop, sealed } from './exporter.fixture.js';
import type { Sink } from './ports.js';

const takesAll = () => new FakeSink(() => ACKNOWLEDGED);
const at = (next: number, xseq = next) => ({ logName: LOG_NAME, next, xseq, size: next, root: 'r' });

describe('the loop of a sink', () => {
  it('acknowledges a message to the stream after the sink has it and its place is saved, in that order', async () => {
    const sink = takesAll();
    const { order, state } = await runLoop([sealed(0, 3), sealed(3, 2)], { sink });
    expect(sink.sequences).toEqual([0, 1, 2, 3, 4]);
    expect(order).toEqual(['saved 3', 'acknowledged', 'saved 5', 'acknowledged']);
    expect(state).toMatchObject({ next: 5, size: 5, logName: LOG_NAME });
  });

  it('does not send again what the sink has: a message that came twice, or half of one', async () => {
    const sink = takesAll();
    await runLoop([sealed(0, 3), sealed(2, 3)], { sink, state: at(2) });
    expect(sink.sequences).toEqual([2, 3, 4]);
  });

  it('records a hole in the stream before it goes on', async () => {
    const sink = takesAll();
    const { journal, order } = await runLoop([sealed(7, 1)], { sink, state: at(4) });
    expect(journal).toEqual([{ type: 'export.gap', sink: 'lake', first: 4, last: 6, why: { code: 'SEALED_MISSING' } }]);
    expect(order).toEqual(['recorded', 'saved 8', 'acknowledged']);
    expect(sink.sequences).toEqual([7]);
  });

  it.each([
    ['no JSON', Buffer.from('junk')],
    ['no message of SEALED', Buffer.from('{"v":1}')],
    ['a message with another member', sealed(1, 1, { more: 1 })],
  ])('records as a hole what it cannot read: %s', async (_case, bad) => {
    const sink = takesAll();
    const { journal } = await runLoop([sealed(0, 1), bad, sealed(2, 1)], { sink });
    expect(journal).toMatchObject([{ type: 'export.gap', first: 1, last: 1 }]);
    expect(sink.sequences).toEqual([0, 2]);
  });

  it('begins at the start of another log', async () => {
    const sink = takesAll();
    const { journal } = await runLoop([sealed(0, 1, { log_name: 'writ.test/other/2027' })], { sink, state: at(9) });
    expect(sink.sequences).toEqual([0]);
    expect(journal).toEqual([]);
  });

  it('keeps and records what the sink refuses for good, and sends the rest', async () => {
    const sink = new FakeSink((batch) =>
      batch.some(({ index }) => index === 1) ? { status: 'refused', why: 'no', code: 'HTTP_400' } : ACKNOWLEDGED,
    );
    const { journal, dead, order, counters } = await runLoop([sealed(0, 3)], { sink });
    expect(sink.sequences).toEqual([0, 2]);
    expect(journal).toEqual([{ type: 'export.gap', sink: 'lake', first: 1, last: 1, why: { code: 'HTTP_400' } }]);
    expect(dead).toHaveLength(1);
    expect(order).toEqual(['recorded', 'saved 3', 'acknowledged']);
    expect(counters).toMatchObject({ deadLettered: 1, gaps: 1 });
  });

  it('numbers what passes a filter without a hole, and goes on with the numbers after a restart', async () => {
    const numbers: unknown[] = [];
    const sink = new FakeSink((batch) => {
      for (const { text, index } of batch) {
        if (index !== undefined) numbers.push((JSON.parse(text) as { xseq: number }).xseq);
      }
      return ACKNOWLEDGED;
    });
    const types = ['ledger.tick', 'agent.identity.issued', 'ledger.tick'];
    const entries = types.map((type, i) => JSON.stringify({ id: `0${i}`, type }));
    const filter = { types: ['ledger.tick'] };
    const { state } = await runLoop([sealed(0, 3, { entries })], { sink, filter });
    expect(state).toMatchObject({ next: 3, xseq: 2 });
    await runLoop([sealed(3, 2)], { sink, filter, ...(state !== undefined && { state }) });
    expect(numbers).toEqual([0, 1, 2, 3]);
  });

  it('says with a heartbeat how far log and sink are, so that a receiver can count', async () => {
    const sink = takesAll();
    const texts: string[] = [];
    const listening = {
      send: (batch: Parameters<FakeSink['send']>[0]) => (
        texts.push(...batch.map(({ text }) => text)),
        sink.send(batch)
      ),
      close: () => sink.close(),
    };
    await runLoop([sealed(0, 2), sealed(2, 2)], { sink: listening });
    const beats = texts.map((text) => JSON.parse(text) as { sequence?: number; entry: object });
    expect(beats.filter(({ sequence }) => sequence === undefined).map(({ entry }) => entry)).toMatchObject([
      { type: 'export.heartbeat', sink: 'lake', size: 2, exported: 2, root: 'r'.repeat(43) },
    ]);
  });

  it('loses nothing to a sink that is away for a while, and keeps the order: SIEM-04', async () => {
    let attempts = 0;
    const sink = new FakeSink(() => (++attempts % 7 === 0 ? ACKNOWLEDGED : { status: 'again', why: '503' }));
    await runLoop([sealed(0, 50), sealed(50, 50), sealed(100, 1)], { sink });
    expect(sink.sequences).toEqual(Array.from({ length: 101 }, (_, i) => i));
  });

  it('drops and samples nothing of a flood, and no filter hides an alarm in it: SIEM-05', async () => {
    const [all, alarm] = [5_000, 3_333];
    const type = (index: number) => (index === alarm ? 'command.refused' : 'request.refused');
    const flood = Array.from({ length: Math.ceil(all / 200) }, (_, n) => {
      const entries = Array.from({ length: 200 }, (_each, i) => leafText(n * 200 + i, type(n * 200 + i)));
      return sealed(n * 200, 200, { entries });
    });
    const everything = new FakeSink(() => ACKNOWLEDGED);
    await runLoop(flood, { sink: everything });
    expect(everything.sequences).toEqual(Array.from({ length: all }, (_, i) => i));
    const calls = new FakeSink(() => ACKNOWLEDGED);
    await runLoop(flood, { sink: calls, filter: { types: ['tool.*'] } });
    expect(calls.sequences).toEqual([alarm]);
  });

  // More than half of what makes a batch, so that it goes alone.
  const large = (first: number) =>
    sealed(first, 200, { entries: Array.from({ length: 200 }, (_, i) => leafText(first + i, 'x'.repeat(1_000))) });
  const small = (first: number) => sealed(first, 1);

  it.each([
    ['a full batch, and no more', [large(0), large(200), large(400), large(600)], [2, 3, 4, 4]],
    ['no small one: what comes meanwhile goes with the next', [small(0), small(1), small(2)], [1, 2, 3]],
  ])('makes the next batch ahead while the sink has %s', async (_case, messages, expected) => {
    let taken = 0;
    const takenBy: number[] = [];
    const sink: Sink = {
      send: async ([record]) => {
        // As long as a loop that does not wait needs for all of them.
        for (let turn = 0; turn < 100; turn++) await nextTurn();
        if (record?.index !== undefined) takenBy.push(taken);
        return ACKNOWLEDGED;
      },
      close: () => Promise.resolve(),
    };
    await runLoop(messages, { sink, onTake: () => (taken += 1) });
    expect(takenBy).toEqual(expected);
  });

  it('keeps the order, loses nothing and acknowledges nothing early while it makes batches ahead', async () => {
    let attempts = 0;
    const sink = new FakeSink(() => (++attempts % 3 === 0 ? ACKNOWLEDGED : { status: 'again', why: '503' }));
    const { order, state, journal } = await runLoop([large(0), large(200), large(500), small(700)], { sink });
    const sequences = Array.from({ length: 701 }, (_, i) => i).filter((index) => index < 400 || index >= 500);
    expect(sink.sequences).toEqual(sequences);
    expect(journal).toMatchObject([{ type: 'export.gap', first: 400, last: 499 }]);
    const each = (next: number) => [`saved ${next}`, 'acknowledged'];
    expect(order).toEqual([...each(200), ...each(400), 'recorded', ...each(700), ...each(701)]);
    expect(state).toMatchObject({ next: 701 });
  });
});
