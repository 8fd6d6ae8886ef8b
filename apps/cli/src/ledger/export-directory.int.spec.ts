import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseCheckpoint, verifyLog } from '#writ/tlog';
import { buildHealthyLedger, makeDeployment } from '../../../../test/harness/ledger-builder.js';
import { buildLog, writeLog } from '../../../../test/harness/log-builder.js';
import { exportLog } from './export-directory.js';
import { LogFolder } from './log-folder.js';

const { rootVkey } = makeDeployment();
const { messages } = buildHealthyLedger(60);

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'writ-export-'));
});
afterEach(() => rm(home, { recursive: true, force: true }));

const headIn = async (directory: string) =>
  parseCheckpoint(`${(await readFile(join(directory, 'checkpoint'), 'utf8')).split('\n\n')[0]}\n`);

/** A log that has grown beyond its newest checkpoint: a sealer at work. */
async function aGrowingLog(): Promise<string> {
  const log = join(home, 'log');
  const grown = await buildLog(messages);
  const before = await buildLog(messages.slice(0, 200));
  await writeLog(log, new Map([...before, ...[...grown].filter(([path]) => !path.startsWith('checkpoint'))]));
  return log;
}

describe('an export', () => {
  it('is the log as its newest checkpoint has it, also while the log grows, and verifies with its directory alone', async () => {
    const log = await aGrowingLog();
    const target = join(home, 'export');
    const report = await exportLog(target, log, { rootVkey });
    const { size } = await headIn(log);
    expect(report).toMatchObject({ exit: 10, size, problems: [] });
    await expect(verifyLog(new LogFolder(target), { rootVkey })).resolves.toMatchObject({
      exit: 10,
      size,
      problems: [],
    });
    expect((await readdir(target)).toSorted()).toEqual([
      'README.txt',
      'blocks',
      'bundle',
      'checkpoint',
      'checkpoints',
      'root.vkey',
      'tile',
    ]);
    const partial = (await readdir(join(target, 'tile', '0'))).filter((name) => name.endsWith('.p'));
    expect(partial).toHaveLength(1);
  });

  it('says when the log does not contain a head that is remembered', async () => {
    const log = await aGrowingLog();
    const remembered = { size: 10_000, root: 'A'.repeat(43) };
    const report = await exportLog(join(home, 'export'), log, { rootVkey, remembered });
    expect(report).toMatchObject({ exit: 30, problems: [{ code: 'remembered_ahead' }] });
  });

  it('copies a damaged log as it is, and names the damage', async () => {
    const log = await aGrowingLog();
    await rm(join(log, 'tile', '0', '000'));
    const report = await exportLog(join(home, 'export'), log, { rootVkey });
    expect(report.exit).toBe(40);
    expect(report.problems[0]).toMatchObject({ file: 'tile/0/000' });
  });

  it('is of nothing that has no checkpoint, or one that another key signed', async () => {
    await mkdir(join(home, 'empty'));
    const target = join(home, 'export');
    await expect(exportLog(target, join(home, 'empty'), { rootVkey })).rejects.toMatchObject({
      code: 'CONFIG_NOT_FOUND',
    });
    const log = await aGrowingLog();
    const note = await readFile(join(log, 'checkpoint'), 'utf8');
    await writeFile(join(log, 'checkpoint'), note.replace(/^(.*\n)\d+/, '$1999'));
    await expect(exportLog(target, log, { rootVkey })).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' });
    expect(await readdir(home)).not.toContain('export');
  });

  it('refuses a directory that is not empty, and a place that cannot be written', async () => {
    const log = await aGrowingLog();
    await expect(exportLog(log, log, { rootVkey })).rejects.toMatchObject({ code: 'CONFIG_DATA_DIR' });
    const file = join(home, 'a-file');
    await writeFile(file, '');
    await expect(exportLog(join(file, 'export'), log, { rootVkey })).rejects.toMatchObject({ code: 'CONFIG_DATA_DIR' });
  });
});
