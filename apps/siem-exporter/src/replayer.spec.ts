import type { EntryBody } from '#writ/contracts';
import type { ReplayRequest } from '#writ/deployment';
import { RecordMaker } from '#writ/siem';
import { Stopped } from './deliver.js';
import { LOG_NAME, leafText, SILENT } from './exporter.fixture.js';
import type { Ledgers } from './ledgers.js';
import { Replayer } from './replayer.js';

const STATE = { logName: LOG_NAME, next: 1_300, xseq: 0, size: 1_300, root: 'r' };

/** A replay over a log in memory: every seventh leaf is a tick, the others refusals. */
function replaying(
  request: ReplayRequest | undefined,
  filter?: { readonly types: string[] },
  closed: Ledgers['closed'] = [],
) {
  const sent: (readonly [index: number | undefined, xseq: number | undefined])[] = [];
  const journal: EntryBody[] = [];
  const order: string[] = [];
  let [asked, fails] = [request, undefined as Error | undefined];
  const replayer = new Replayer({
    sink: 'lake',
    maker: new RecordMaker({ format: 'raw', version: '1.9.0', filter }),
    log: SILENT,
    now: () => 0,
    ledgers: () => ({ now: LOG_NAME, closed }),
    journal: (body) => {
      order.push('recorded');
      return Promise.resolve(void journal.push(body));
    },
    deliver: (records) => {
      order.push('sent');
      if (fails !== undefined) return Promise.reject(fails);
      sent.push(...records.map(({ index, text }) => [index, (JSON.parse(text) as { xseq?: number }).xseq] as const));
      return Promise.resolve();
    },
    replays: {
      asked: () => Promise.resolve(asked),
      save: (next) => Promise.resolve(void (asked = next)),
      finish: () => Promise.resolve(void (asked = undefined)),
      leaves: (_ledger, from, to) =>
        Promise.resolve(
          Array.from({ length: to - from }, (_, i) =>
            leafText(from + i, (from + i) % 7 === 0 ? 'ledger.tick' : 'request.refused'),
          ),
        ),
    },
  });
  const run = async () => {
    while (await replayer.step(STATE));
  };
  return { replayer, run, sent, journal, order, asked: () => asked, fail: (error?: Error) => (fails = error) };
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

describe('a replay', () => {
  it('sends every entry from the index to where the sink is, in order, and is on record before it begins', async () => {
    const { run, sent, journal, order, asked } = replaying({ v: 1, from: 100 });
    await run();
    expect(sent.map(([index]) => index)).toEqual(range(100, 1_300));
    expect(journal).toEqual([{ type: 'export.replayed', sink: 'lake', first: 100, last: 1_299 }]);
    expect(order[0]).toBe('recorded');
    expect(asked()).toBeUndefined();
  });

  it('goes on where it was after a restart, and is recorded once', async () => {
    const first = replaying({ v: 1, from: 0 });
    await first.replayer.step(STATE);
    const second = replaying(first.asked());
    await second.run();
    expect([...first.sent, ...second.sent].map(([index]) => index)).toEqual(range(0, 1_300));
    expect(second.journal).toEqual([]);
  });

  it('is of a ledger that ended, up to its end, when that is asked for, and of no ledger that never was', async () => {
    const closed = [{ ledger: 'writ.test/default/2025', size: 40 }];
    const { run, sent, journal } = replaying({ v: 1, from: 30, log: 'writ.test/default/2025' }, undefined, closed);
    await run();
    expect(sent.map(([index]) => index)).toEqual(range(30, 40));
    expect(journal).toMatchObject([{ of: 'writ.test/default/2025', first: 30, last: 39 }]);
    const unknown = replaying({ v: 1, from: 30, log: 'writ.test/default/2023' }, undefined, closed);
    await unknown.run();
    expect(unknown.replayer.status?.problem).toContain('no ledger `writ.test/default/2023`');
    expect(unknown.sent).toEqual([]);
  });

  it('gives the records of a filtered sink the numbers that they had', async () => {
    const { run, sent } = replaying({ v: 1, from: 700 }, { types: ['ledger.tick'] });
    await run();
    expect(sent).toEqual(range(100, 186).map((xseq) => [xseq * 7, xseq]));
  });

  it('tells what is wrong, loses nothing, and goes on when it is over', async () => {
    const { replayer, run, sent, fail } = replaying({ v: 1, from: 1_200 });
    fail(new Error('entry 1200 is not under the checkpoint'));
    await run();
    expect(replayer.status).toMatchObject({ problem: 'entry 1200 is not under the checkpoint' });
    fail();
    await run();
    expect(sent.map(([index]) => index)).toEqual(range(1_200, 1_300));
    expect(replayer.status?.problem).toBeUndefined();
  });

  it('has nothing to send beyond where the sink is, and records nothing', async () => {
    const { run, sent, journal, asked } = replaying({ v: 1, from: 1_300 });
    await run();
    expect({ sent, journal, asked: asked() }).toEqual({ sent: [], journal: [], asked: undefined });
  });

  it('stops with the exporter', async () => {
    const { replayer, fail, asked } = replaying({ v: 1, from: 0 });
    fail(new Stopped('the exporter is stopping'));
    await expect(replayer.step(STATE)).rejects.toThrow(Stopped);
    expect(asked()).toMatchObject({ progress: { at: 0 } });
  });
});
