import { deliver, Stopped } from './deliver.js';
import { ACKNOWLEDGED, delivering, FakeSink, records } from './exporter.fixture.js';
import type { Delivery } from './ports.js';

const REFUSED: Delivery = { status: 'refused', why: 'no', code: 'HTTP_400' };

describe('delivering a batch', () => {
  it('goes on until the sink has all of it, with pauses that grow to half a minute', async () => {
    const sink = new FakeSink((_, attempt) => (attempt > 12 ? ACKNOWLEDGED : { status: 'again', why: 'busy' }));
    const { options, slept } = delivering(sink);
    await deliver(records(0, 3), options);
    expect(sink.sequences).toEqual([0, 1, 2]);
    expect(slept.slice(0, 3)).toEqual([200, 400, 800]);
    expect(Math.max(...slept)).toBe(30_000);
    expect(options.counters.retries).toBe(12);
  });

  it('takes an error of the connection for nothing that is certain: the same goes again', async () => {
    const sink = new FakeSink((_, attempt) => (attempt > 1 ? ACKNOWLEDGED : new Error('reset')));
    const { options, dead } = delivering(sink);
    await deliver(records(0, 2), options);
    expect(sink.sent).toEqual([
      [0, 1],
      [0, 1],
    ]);
    expect(dead).toEqual([]);
  });

  it('waits as long as the receiver asks, but not for ever', async () => {
    const answers: Delivery[] = [
      { status: 'again', why: '429', afterMs: 7_000 },
      { status: 'again', why: '429', afterMs: 86_400_000 },
    ];
    const { options, slept } = delivering(new FakeSink((_, attempt) => answers[attempt - 1] ?? ACKNOWLEDGED));
    await deliver(records(0, 1), options);
    expect(slept).toEqual([7_000, 300_000]);
  });

  it.each([[[4]], [[0]], [[7]], [[0, 7]], [[2, 3, 5]]])('finds the records that are refused alone: %j', async (bad) => {
    const sink = new FakeSink((batch) =>
      batch.some(({ index }) => bad.includes(index ?? -1)) ? REFUSED : ACKNOWLEDGED,
    );
    const { options, dead } = delivering(sink);
    await deliver(records(0, 8), options);
    expect(dead).toEqual(bad.map((index) => [index, 'HTTP_400']));
    // In order, each once, but for the refused.
    expect(sink.sequences).toEqual([0, 1, 2, 3, 4, 5, 6, 7].filter((index) => !bad.includes(index)));
  });

  it('gives nothing up to a receiver that refuses everything: it is set up wrongly, and waits for somebody to see it', async () => {
    let isBroken = true;
    const sink = new FakeSink(() => (isBroken ? REFUSED : ACKNOWLEDGED));
    const { options, slept, dead } = delivering(sink);
    const repaired = { ...options, sleep: () => Promise.resolve(void (slept.push(0) === 5 && (isBroken = false))) };
    await deliver(records(0, 4), repaired);
    expect(dead).toEqual([]);
    expect(sink.sequences).toEqual([0, 1, 2, 3]);
  });

  it('stops between two attempts, and says so', async () => {
    const stop = new AbortController();
    const sink = new FakeSink(() => {
      stop.abort();
      return { status: 'again', why: 'busy' };
    });
    const { options } = delivering(sink, stop.signal);
    await expect(deliver(records(0, 1), options)).rejects.toThrow(Stopped);
    expect(sink.sent).toHaveLength(1);
  });
});
