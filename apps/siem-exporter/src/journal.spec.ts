import type { EntryBody } from '#writ/contracts';
import { Fault } from '#writ/faults';
import type { Appended } from '#writ/ledger-client';
import { Stopped } from './deliver.js';
import { persistentJournal } from './journal.js';

const gap: EntryBody = { type: 'export.gap', sink: 'lake', first: 4, last: 6, why: { code: 'SEALED_MISSING' } };
const log = { info: () => undefined, warn: () => undefined, error: () => undefined };

const untilAborted = (_ms: number, signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve());
  });

describe('persistentJournal', () => {
  it('writes an entry until it is on record', async () => {
    let refusals = 3;
    const written: EntryBody[] = [];
    const append = (body: EntryBody) => {
      if (refusals-- > 0) return Promise.reject<Appended>(new Fault('LEDGER_FULL', 'the ledger is full'));
      written.push(body);
      return Promise.resolve({} as Appended);
    };
    const { signal } = new AbortController();
    const done = persistentJournal({ append, log, signal, sleep: () => Promise.resolve() })(gap);
    await expect(done).resolves.toBeUndefined();
    expect(written).toEqual([gap]);
  });

  it.each<[string, () => Promise<Appended>]>([
    ['refuses', () => Promise.reject(new Fault('LEDGER_FULL', 'the ledger is full'))],
    ['says nothing', () => new Promise(() => {})],
  ])('waits no longer for a ledger that %s when the exporter is told to end', async (_case, append) => {
    const stopping = new AbortController();
    const { signal } = stopping;
    const journal = persistentJournal({ append, log, signal, sleep: untilAborted });
    const done = journal(gap);
    await Promise.resolve();
    stopping.abort();
    await expect(done).rejects.toBeInstanceOf(Stopped);
    await expect(journal(gap)).rejects.toBeInstanceOf(Stopped);
  });
});
