import { buildHealthyLedger } from '../../../../test/harness/ledger-builder.js';
import { buildLog, directoryOf, type LogFiles, verifyFiles } from '../../../../test/harness/log-builder.js';
import { makeDeployment } from '../../../../test/harness/ledger-builder.js';
import { verifyGrowingLog } from './verify-growing-log.js';

const { messages } = buildHealthyLedger(28);
const options = { rootVkey: makeDeployment().rootVkey };
const every = { checkpointEvery: 7 };

/** The log as it was after so many messages, and after all of them. */
const early = await buildLog(messages.slice(0, 60), every);
const late = await buildLog(messages, every);
const noSleep = () => Promise.resolve();

describe('a log that is verified while it grows', () => {
  it('is what its checkpoint said at the beginning, at whichever read the writer goes on', async () => {
    for (let at = 1; at < 60; at += 4) {
      let left = at;
      const now = () => directoryOf(left-- > 0 ? early : replaced());
      const directory = {
        read: (path: string) => now().read(path),
        list: (folder: string) => now().list(folder),
        paths: () => now().paths(),
      };
      const { exit, problems } = await verifyGrowingLog(directory, options, noSleep);
      expect([at, exit, problems]).toEqual([at, 10, []]);
    }
  });

  it('is not disturbed by what was written and is not covered by a checkpoint yet, when one follows', async () => {
    let looks = 0;
    const between = new Map([...late, ['checkpoint', early.get('checkpoint') as Buffer]]);
    const directory = {
      ...directoryOf(between),
      read: (path: string) => directoryOf(path === 'checkpoint' && looks++ > 5 ? late : between).read(path),
    };
    const { exit, problems } = await verifyGrowingLog(directory, options, noSleep);
    expect([exit, problems]).toEqual([10, []]);
  });

  it('is verified as it lies there when no checkpoint follows: its head was put back, or its writer died', async () => {
    const back = new Map([...late, ['checkpoint', early.get('checkpoint') as Buffer]]);
    const { exit, problems } = await verifyGrowingLog(directoryOf(back), options, noSleep);
    expect([exit, problems.map(({ code }) => code)]).toEqual([30, ['rolled_back']]);
  });

  it('hides nothing that its head covers', async () => {
    const head = [...late.keys()].find((path) => path.startsWith('checkpoints/')) ?? '';
    for (const path of ['tile/entries/000', 'tile/0/000', 'blocks/000.jsonl', head]) {
      const damaged = new Map(late);
      damaged.set(path, Buffer.from(damaged.get(path) as Buffer).fill(0x20, 40, 60));
      const { exit } = await verifyGrowingLog(directoryOf(damaged), options, noSleep);
      expect([path, exit]).toEqual([path, (await verifyFiles(damaged)).exit]);
      expect(exit).toBeGreaterThanOrEqual(20);
    }
  });
});

/** The late log as its sealer leaves it: no partial file beside a full one. */
function replaced(): LogFiles {
  return new Map([...late].filter(([path]) => !/\.p\//.test(path) || !late.has(path.replace(/\.p\/.*/, ''))));
}

describe('how old a log may be', () => {
  it.each([
    ['young enough', { asOf: 1_000_060, maxSilence: 60 }, 0, []],
    ['too old', { asOf: 1_000_061, maxSilence: 60 }, 20, ['stale']],
    ['not asked', { asOf: 2_000_000 }, 0, []],
  ])('is judged by its newest cosignature: %s', async (_case, freshness, exit, codes) => {
    const files = await buildLog(messages.slice(0, 9), { witnesses: ['w1'], cosignedAt: () => 1_795_325_400 });
    const shifted = { ...freshness, asOf: freshness.asOf + 1_795_325_400 - 1_000_000 };
    const report = await verifyFiles(files, { freshness: shifted });
    expect([report.exit, report.problems.map(({ code }) => code)]).toEqual([exit, codes]);
    expect(report.cosignedAt).toBe(1_795_325_400);
  });

  it('is not known without a witness', async () => {
    const report = await verifyFiles(early, { freshness: { asOf: 0, maxSilence: 60 } });
    expect([report.exit, report.cosignedAt]).toEqual([20, null]);
  });
});
