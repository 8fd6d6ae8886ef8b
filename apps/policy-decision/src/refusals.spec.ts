import type { EntryBody } from '#writ/contracts';
import { type Refusal, Refusals, REQUEST_REFUSALS } from './refusals.js';

const MINUTE_MS = 60_000;
const aRefusal = (over: Partial<Refusal> = {}): Refusal => ({
  agent: 'gus',
  kind: 'tool.call',
  code: 'INPUT_INVALID',
  ...over,
});

function someRefusals() {
  const entries: EntryBody[] = [];
  const lost: string[] = [];
  const state = { nowMs: 0, isDown: false };
  const append = (body: EntryBody) => {
    if (state.isDown) return Promise.reject(new Error('the ledger is gone'));
    entries.push(body);
    return Promise.resolve({ id: `entry-${entries.length}` });
  };
  const refusals = new Refusals({
    of: REQUEST_REFUSALS,
    append,
    now: () => state.nowMs,
    onLost: (error) => lost.push(error),
  });
  return { refusals, entries, lost, state };
}

describe('Refusals', () => {
  it('records the first refusal at once and says which entry it is', async () => {
    const { refusals, entries } = someRefusals();
    await expect(refusals.record(aRefusal())).resolves.toBe('entry-1');
    expect(entries).toEqual([
      {
        type: 'request.refused',
        who: { agent: 'gus' },
        act: { kind: 'tool.call' },
        why: { code: 'INPUT_INVALID' },
        n: 1,
      },
    ]);
  });

  it('counts what follows within a minute, and records the count when the minute is over', async () => {
    const { refusals, entries, state } = someRefusals();
    for (let n = 0; n < 100; n++) await refusals.record(aRefusal());
    state.nowMs = MINUTE_MS - 1;
    await refusals.flush();
    expect(entries).toHaveLength(1);
    state.nowMs = MINUTE_MS;
    await refusals.flush();
    expect(entries).toMatchObject([{ n: 1 }, { n: 99 }]);
  });

  it('loses no count when a new minute begins with many at once', async () => {
    const { refusals, entries, state } = someRefusals();
    await Promise.all(Array.from({ length: 5 }, () => refusals.record(aRefusal())));
    state.nowMs = MINUTE_MS;
    await Promise.all(Array.from({ length: 5 }, () => refusals.record(aRefusal())));
    await refusals.flush(true);
    const total = entries.reduce((sum, entry) => sum + (entry.type === 'request.refused' ? entry.n : 0), 0);
    expect(total).toBe(10);
  });

  it.each([{ agent: 'alice' }, { kind: 'egress.fetch' }, { code: 'INPUT_TOO_DEEP' }])(
    'records another %j on its own',
    async (other) => {
      const { refusals, entries } = someRefusals();
      await refusals.record(aRefusal());
      await refusals.record(aRefusal(other));
      expect(entries).toHaveLength(2);
    },
  );

  it('records what it has counted when the service stops', async () => {
    const { refusals, entries } = someRefusals();
    for (let n = 0; n < 3; n++) await refusals.record(aRefusal());
    await refusals.flush(true);
    expect(entries).toMatchObject([{ n: 1 }, { n: 2 }]);
  });

  it('answers also when the ledger cannot be written, and tells the log', async () => {
    const { refusals, lost, state } = someRefusals();
    state.isDown = true;
    await expect(refusals.record(aRefusal())).resolves.toBeUndefined();
    expect(lost).toEqual(['the ledger is gone']);
  });

  it('keeps a bounded number of senders', async () => {
    const { refusals, entries } = someRefusals();
    for (let n = 0; n < 10_050; n++) await refusals.record(aRefusal({ agent: `a-${n}` }));
    expect(entries).toHaveLength(10_000);
  });
});
