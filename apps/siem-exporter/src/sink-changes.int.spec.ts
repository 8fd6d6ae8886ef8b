import type { SinkDeclaration } from '#writ/catalogue';
import type { EntryBody } from '#writ/contracts';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Ledgers } from './ledgers.js';
import { declarationHash, openStates } from './sink-changes.js';

const sink = { name: 'lake', kind: 'stdout' } as unknown as SinkDeclaration;
const FIRST: Ledgers = { now: 'writ.test/default/2026', closed: [] };
const NEXT: Ledgers = { now: 'writ.test/default/2027', closed: [{ ledger: FIRST.now, size: 9 }] };

describe('what is on record of the sinks', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'writ-sinks-'));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  const start = async (sinks: readonly SinkDeclaration[], ledgers: Ledgers) => {
    const said: EntryBody[] = [];
    await openStates(directory, sinks, { ledgers, journal: async (body) => void said.push(body) });
    return said;
  };

  it('is said once in each ledger, and whenever it changes', async () => {
    const hash = declarationHash(sink);
    const of = { type: 'admin.sink.changed', sink: 'lake' };
    expect(await start([sink], FIRST)).toEqual([{ ...of, old: null, new: hash }]);
    expect(await start([sink], FIRST)).toEqual([]);
    expect(await start([sink], NEXT)).toEqual([{ ...of, old: hash, new: hash }]);
    expect(await start([sink], NEXT)).toEqual([]);
    expect(await start([], NEXT)).toEqual([{ ...of, old: hash, new: null }]);
    expect(await start([], { ...NEXT, now: 'writ.test/default/2028' })).toEqual([]);
  });
});
