import { existsSync } from 'node:fs';
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
import { writeExport } from './export-directory.js';
import { formatReport } from './format-report.js';
import { verifyExport } from './verify-directory.js';

const { bundleNote, rootVkey, logKey, ledger, root } = makeDeployment();
const options = { bundle: bundleNote, rootVkey, logKey };

async function* stream(messages: readonly LedgerMessage[]): AsyncGenerator<LedgerMessage> {
  for (const message of messages) yield message;
}

let home: string;
let count = 0;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'writ-export-'));
});
afterAll(() => rm(home, { recursive: true, force: true }));

async function exported(messages: readonly LedgerMessage[]): Promise<string> {
  const directory = join(home, `export-${count++}`);
  await writeExport(directory, stream(messages), options);
  return directory;
}

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

describe('an exported ledger', () => {
  const healthy = buildHealthyLedger(5);

  it('verifies offline with nothing but its directory and the root key', async () => {
    const directory = await exported(healthy.messages);
    const report = await verifyExport(directory, { rootVkey });
    expect(report).toMatchObject({ exit: 10, entries: 53, blocks: 23, problems: [] });
    expect((await readdir(directory)).sort()).toEqual([
      'README.txt',
      'blocks',
      'bundle',
      'checkpoint',
      'hashes',
      'root.vkey',
    ]);
    expect(formatReport(report)).toContain('valid, not witnessed (exit 10)');
  });

  it('says when the root key was taken from the export itself', async () => {
    const report = await verifyExport(await exported(healthy.messages));
    expect(report).toMatchObject({ exit: 10, problems: [{ code: 'root_key_unpinned' }] });
  });

  it('names the entry when one byte of it is flipped', async () => {
    const directory = await exported(healthy.messages);
    const file = join(directory, 'blocks', '00000000.txt');
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
    expect(formatReport(report)).toMatch(/\[40\] bad_root at message 12, pdp-0, block 1, entry 1, 01K0/);
  });

  it('finds flips all over any file that is evidence', async () => {
    const builder = new LedgerBuilder();
    const entry = builder.entry('operator', { type: 'agent.identity.issued', who: { agent: 'support' }, key: 'U' });
    builder.block('operator', [entry]);
    builder.append('ledger.block.pdp-0', Buffer.from([0xff]));
    builder.messages.pop();
    const directory = await exported(builder.messages);
    for (const file of ['checkpoint', 'root.vkey', 'blocks/00000000.txt', 'hashes/00000000.txt', 'bundle']) {
      const path = join(directory, file);
      const { length } = await readFile(path);
      for (let at = 0; at < length; at += Math.ceil(length / 40)) {
        const report = await withFlip(path, at, () => verifyExport(directory, { rootVkey }));
        expect({ file, at, exit: report.exit }).toEqual({ file, at, exit: 40 });
      }
    }
  });

  it.each(['blocks', 'hashes', 'bundle', 'root.vkey', 'blocks/00000000.txt', 'hashes/00000000.txt'])(
    'names `%s` when it is missing, and does not crash',
    async (file) => {
      const directory = await exported(healthy.messages);
      await rm(join(directory, file), { recursive: true });
      const report = await verifyExport(directory, { rootVkey });
      expect(report.exit).toBe(40);
      expect(report.problems).toContainEqual(
        expect.objectContaining({ code: 'bad_file', file: expect.stringContaining(file) }),
      );
    },
  );

  it('says that a missing end cannot be noticed when the checkpoint is missing', async () => {
    const directory = await exported(healthy.messages);
    await rm(join(directory, 'checkpoint'));
    expect(await verifyExport(directory, { rootVkey })).toMatchObject({ exit: 20, problems: [{ code: 'no_head' }] });
  });

  it.each(['bundle', 'checkpoint', 'root.vkey', 'blocks/00000000.txt', 'hashes/00000000.txt'])(
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
    expect(report.problems).toContainEqual(expect.objectContaining({ code: 'bad_file', file: 'blocks/notes.md' }));
  });

  it('finds a cut end by the checkpoint, and with the checkpoint of the cut ledger only by a remembered one', async () => {
    const whole = await exported(healthy.messages);
    const rememberedHead = await headIn(whole);
    const cut = await exported(healthy.messages.slice(0, 9));
    expect(await verifyExport(cut, { rootVkey })).toMatchObject({ exit: 10 });
    expect(await verifyExport(cut, { rootVkey, rememberedHead })).toMatchObject({
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

  it('keeps a message that is no line of text as it was, and verifies the same', async () => {
    const builder = new LedgerBuilder();
    for (const junk of [[0xff, 0xfe], [0x0a], [0x21, 0x41], []])
      builder.append('ledger.block.pdp-0', Buffer.from(junk));
    const directory = await exported(builder.messages);
    const report = await verifyExport(directory, { rootVkey });
    expect(report.problems.map(({ code, seq }) => `${code} ${seq ?? ''}`)).toEqual([
      'malformed 1',
      'malformed 2',
      'malformed 3',
      'malformed 4',
      'no_head ',
    ]);
    expect(report.size).toBe(4);
  });
});

describe('writeExport', () => {
  const healthy = buildHealthyLedger(2);

  it('does not sign a head over a ledger that does not verify, but exports it', async () => {
    const builder = new LedgerBuilder();
    builder.block('pdp-0', [builder.entry('pdp-0', decidedBody('tool.call', 'c1', 'allow'))], 'exec-tool-1');
    const directory = join(home, `export-${count++}`);
    const { checkpoint, report } = await writeExport(directory, stream(builder.messages), options);
    expect(checkpoint).toBeUndefined();
    expect(report).toMatchObject({ exit: 40, problems: [{ code: 'not_authorised' }] });
    expect(existsSync(join(directory, 'checkpoint'))).toBe(false);
  });

  it('does not sign a head that contradicts the remembered one', async () => {
    const directory = join(home, `export-${count++}`);
    const remembered = { size: 1000, root: 'A'.repeat(43) };
    const { checkpoint } = await writeExport(directory, stream(healthy.messages), { ...options, remembered });
    expect(checkpoint).toBeUndefined();
  });

  it('exports an empty ledger', async () => {
    expect(await verifyExport(await exported([]), { rootVkey })).toMatchObject({ exit: 10, size: 0, problems: [] });
  });

  it('cuts a long ledger into chunks', async () => {
    const builder = new LedgerBuilder();
    builder.block('pdp-0', [builder.activation('pdp-0')]);
    for (let n = 0; n < 10; n++)
      builder.block('pdp-0', [builder.entry('pdp-0', decidedBody('tool.call', `c-${n}`, 'allow'))]);
    const directory = join(home, `export-${count++}`);
    await writeExport(directory, stream(builder.messages), { ...options, chunkBytes: 9_000 });
    expect(await readdir(join(directory, 'blocks'))).toEqual(['00000000.txt', '00000001.txt']);
    expect(await verifyExport(directory, { rootVkey })).toMatchObject({ exit: 10, entries: 11, openCalls: 10 });
    await rm(join(directory, 'blocks', '00000000.txt'));
    const report = await verifyExport(directory, { rootVkey });
    expect(report.problems).toContainEqual(expect.objectContaining({ code: 'bad_file', file: 'blocks/00000000.txt' }));
    expect(report.problems).toContainEqual(expect.objectContaining({ code: 'stream_gap' }));
  });

  it('leaves nothing behind when the stream fails, and refuses a directory that is not empty', async () => {
    async function* failing(): AsyncGenerator<LedgerMessage> {
      yield* stream(healthy.messages);
      throw new Error('the connection was lost');
    }
    const directory = join(home, 'failed');
    await expect(writeExport(directory, failing(), options)).rejects.toThrow('the connection was lost');
    expect((await readdir(home)).filter((name) => name.startsWith('failed'))).toEqual([]);
    const taken = await exported([]);
    await expect(writeExport(taken, stream([]), options)).rejects.toMatchObject({ code: 'CONFIG_DATA_DIR' });
  });

  it('refuses a place that cannot be written', async () => {
    const file = join(home, 'a-file');
    await writeFile(file, '');
    await expect(writeExport(join(file, 'export'), stream([]), options)).rejects.toMatchObject({
      code: 'CONFIG_DATA_DIR',
    });
  });

  it('refuses a log key of another ledger', async () => {
    await expect(writeExport(join(home, 'x'), stream([]), { ...options, logKey: root })).rejects.toMatchObject({
      code: 'CONFIG_KEY',
    });
    expect(ledger).not.toBe(root.name);
  });
});
