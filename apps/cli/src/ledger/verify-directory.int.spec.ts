import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseCheckpoint, type LedgerMessage } from '#writ/tlog';
import {
  buildHealthyLedger,
  decidedBody,
  LedgerBuilder,
  makeDeployment,
} from '../../../../test/harness/ledger-builder.js';
import { buildLog, writeLog } from '../../../../test/harness/log-builder.js';
import { formatReport } from './format-report.js';
import { verifyLog, type LogReport, type VerifyLogOptions } from '#writ/tlog';
import { LogFolder } from './log-folder.js';

const { rootVkey } = makeDeployment();

let home: string;
let count = 0;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'writ-verify-'));
});
afterAll(() => rm(home, { recursive: true, force: true }));

async function exported(messages: readonly LedgerMessage[]): Promise<string> {
  const directory = join(home, `log-${count++}`);
  await writeLog(directory, await buildLog(messages));
  return directory;
}

const verifyExport = (directory: string, verification?: VerifyLogOptions): Promise<LogReport> =>
  verifyLog(new LogFolder(directory), verification);

const headIn = async (directory: string) =>
  parseCheckpoint((await readFile(join(directory, 'checkpoint'), 'utf8')).split('\n\n')[0] + '\n');

/** Runs a check with one byte of a file flipped, and puts the byte back. */
async function withFlip<T>(file: string, at: number, check: () => Promise<T>): Promise<T> {
  const good = await readFile(file);
  const bad = Buffer.from(good);
  bad[at] = (bad[at] ?? 0) ^ 1;
  await writeFile(file, bad);
  const result = await check();
  await writeFile(file, good);
  return result;
}

describe('a log directory', () => {
  const healthy = buildHealthyLedger(5);

  it('verifies offline with nothing but its directory and the root key', async () => {
    const directory = await exported(healthy.messages);
    const report = await verifyExport(directory, { rootVkey });
    expect(report).toMatchObject({ exit: 10, entries: 53, blocks: 23, rejected: 0, problems: [] });
    expect(formatReport(report)).toContain('valid, not witnessed (exit 10)');
  });

  it('says when the root key was taken from the export itself', async () => {
    const report = await verifyExport(await exported(healthy.messages));
    expect(report).toMatchObject({ exit: 10, problems: [{ code: 'root_key_unpinned' }] });
  });

  it('names the entry when one byte of it is flipped', async () => {
    const directory = await exported(healthy.messages);
    const file = join(directory, 'tile', 'entries', '000.p', '53');
    const content = await readFile(file, 'utf8');
    const at = content.indexOf('call-pdp-0-2-1');
    const report = await withFlip(file, at + 3, () => verifyExport(directory, { rootVkey }));
    expect(report.exit).toBe(40);
    expect(report.problems[0]).toMatchObject({
      code: 'bad_root',
      producer: 'pdp-0',
      index: 1,
      id: expect.stringMatching(/^01K0/),
    });
    expect(formatReport(report)).toMatch(
      /\[40\] bad_root at blocks\/000.jsonl, message 12, pdp-0, block 1, entry 1, 01K0/,
    );
  });

  it('finds flips all over any file that is evidence', async () => {
    const builder = new LedgerBuilder();
    const entry = builder.entry('operator', { type: 'agent.identity.issued', who: { agent: 'support' }, key: 'U' });
    builder.block('operator', [entry]);
    builder.append('ledger.block.pdp-0', Buffer.from([0xff]));
    builder.messages.pop();
    const directory = await exported(builder.messages);
    for (const file of [
      'checkpoint',
      'root.vkey',
      'blocks/000.jsonl',
      'tile/0/000.p/1',
      'tile/entries/000.p/1',
      'bundle',
    ]) {
      const path = join(directory, file);
      const { length } = await readFile(path);
      for (let at = 0; at < length; at += Math.ceil(length / 40)) {
        const report = await withFlip(path, at, () => verifyExport(directory, { rootVkey }));
        expect({ file, at, exit: report.exit }).toEqual({ file, at, exit: 40 });
      }
    }
  });

  it.each(['blocks', 'tile/0', 'bundle', 'root.vkey', 'blocks/000.jsonl', 'tile/0/000.p/53'])(
    'names `%s` when it is missing, and does not crash',
    async (file) => {
      const directory = await exported(healthy.messages);
      await rm(join(directory, file), { recursive: true });
      const report = await verifyExport(directory, { rootVkey });
      expect(report.exit).toBe(40);
      const isIndex = file.startsWith('blocks');
      expect(report.problems).toContainEqual(
        expect.objectContaining(
          isIndex ? { code: 'uncovered' } : { code: 'bad_file', file: expect.stringContaining(file) },
        ),
      );
    },
  );

  it('says that a missing end cannot be noticed when the checkpoint is missing', async () => {
    const directory = await exported(healthy.messages);
    await rm(join(directory, 'checkpoint'));
    await rm(join(directory, 'checkpoints'), { recursive: true });
    expect(await verifyExport(directory, { rootVkey })).toMatchObject({ exit: 20, problems: [{ code: 'no_head' }] });
  });

  it.each(['bundle', 'checkpoint', 'root.vkey', 'blocks/000.jsonl', 'tile/0/000.p/53', 'tile/entries/000.p/53'])(
    'does not crash on `%s` as a directory, as nothing, and as noise',
    async (file) => {
      const directory = await exported(healthy.messages);
      const path = join(directory, file);
      for (const content of [
        Buffer.alloc(0),
        Buffer.from('\n\n\n'),
        Buffer.alloc(5000, 0xfe),
        Buffer.alloc(9 * 1024 * 1024),
      ]) {
        await writeFile(path, content);
        expect((await verifyExport(directory, { rootVkey })).exit).toBeGreaterThanOrEqual(20);
      }
      await rm(path);
      await mkdir(path);
      expect((await verifyExport(directory, { rootVkey })).exit).toBe(40);
    },
  );

  it('reports a directory that is not there', async () => {
    expect(await verifyExport(join(home, 'nowhere'))).toMatchObject({ exit: 40, entries: 0 });
  });

  it('names a file that does not belong to it', async () => {
    const directory = await exported(healthy.messages);
    await writeFile(join(directory, 'blocks', 'notes.md'), 'hello');
    const report = await verifyExport(directory, { rootVkey });
    expect(report).toMatchObject({ exit: 10, problems: [{ code: 'stray_file', file: 'blocks/notes.md' }] });
  });

  it('finds a cut end by the checkpoint, and with the checkpoint of the cut ledger only by a remembered one', async () => {
    const whole = await exported(healthy.messages);
    const remembered = await headIn(whole);
    const cut = await exported(healthy.messages.slice(0, 9));
    expect(await verifyExport(cut, { rootVkey })).toMatchObject({ exit: 10 });
    expect(await verifyExport(cut, { rootVkey, remembered })).toMatchObject({
      exit: 30,
      problems: [{ code: 'remembered_ahead' }],
    });
    await writeFile(join(cut, 'checkpoint'), await readFile(join(whole, 'checkpoint')));
    expect(await verifyExport(cut, { rootVkey })).toMatchObject({ exit: 20, problems: [{ code: 'truncated' }] });
  });

  it('does not trust a bundle that another root signed', async () => {
    const directory = await exported(healthy.messages);
    const other = rootVkey.replace('writ.test/root', 'writ.test/other');
    const report = await verifyExport(directory, { rootVkey: other });
    expect(report.exit).toBe(40);
    expect(report.problems.map(({ file }) => file)).toEqual(['root.vkey', 'bundle']);
  });

  it('has a leaf for each message that is no block, and lists them', async () => {
    const builder = new LedgerBuilder();
    for (const junk of [[0xff, 0xfe], [0x0a], [0x21, 0x41], []])
      builder.append('ledger.block.pdp-0', Buffer.from(junk));
    const directory = await exported(builder.messages);
    const report = await verifyExport(directory, { rootVkey });
    expect(report.problems.map(({ code, seq }) => `${code} ${seq ?? ''}`)).toEqual([
      'rejected 1',
      'rejected 2',
      'rejected 3',
      'rejected 4',
    ]);
    expect(report).toMatchObject({ size: 4, rejected: 4, exit: 10 });
  });

  it('verifies when it is empty', async () => {
    expect(await verifyExport(await exported([]), { rootVkey })).toMatchObject({ exit: 10, size: 0, problems: [] });
  });

  it('has full tiles, and partial ones at the end alone', async () => {
    const builder = new LedgerBuilder();
    builder.block('pdp-0', [builder.activation('pdp-0')]);
    for (let n = 0; n < 260; n++) {
      const entries = Array.from({ length: 20 }, () =>
        builder.entry('pdp-0', decidedBody('tool.call', `c-${n}`, 'deny')),
      );
      builder.block('pdp-0', entries);
    }
    const directory = await exported(builder.messages);
    expect(await verifyExport(directory, { rootVkey })).toMatchObject({ exit: 10, entries: 5201, problems: [] });
    expect((await readdir(join(directory, 'tile', 'entries'))).filter((name) => name.endsWith('.p'))).toEqual([
      '020.p',
    ]);
    expect(await readdir(join(directory, 'tile', '1', '000.p'))).toEqual(['20']);
    await rm(join(directory, 'blocks', '000.jsonl'));
    const report = await verifyExport(directory, { rootVkey });
    expect(report.problems).toContainEqual(expect.objectContaining({ code: 'uncovered' }));
  });
});
