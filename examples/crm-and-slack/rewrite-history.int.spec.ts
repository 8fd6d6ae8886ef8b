import { parseCheckpoint } from '#writ/tlog';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buildHealthyLedger, makeDeployment } from '../../test/harness/ledger-builder.js';
import { buildLog, verifyFiles, type LogFiles } from '../../test/harness/log-builder.js';
import { rewriteHistory } from './rewrite-history.js';

const PRODUCERS = ['pdp-1', 'pdp-2', 'exec-tool-1', 'exec-memory-1', 'operator'];

describe('rewriteHistory', () => {
  let scratch: string;
  let from: string;
  let to: string;
  let keys: string;
  beforeEach(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'writ-rewrite-'));
    [from, to, keys] = [join(scratch, 'from'), join(scratch, 'to'), join(scratch, 'keys')];
    const { key, logKey } = makeDeployment();
    for (const name of PRODUCERS) await put(join(keys, 'producers', `${name}.key`), key(name).toFileText());
    await put(join(keys, 'log.key'), logKey.toFileText());
    const builder = buildHealthyLedger(3);
    builder.append('ledger.block.pdp-0', Buffer.from('no block'));
    for (const [path, bytes] of await buildLog(builder.messages)) await put(join(from, path), bytes);
  });
  afterEach(() => rm(scratch, { recursive: true, force: true }));

  async function put(file: string, content: string | Uint8Array): Promise<void> {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
  }

  async function filesOf(folder: string): Promise<LogFiles> {
    const names = await readdir(folder, { recursive: true, withFileTypes: true });
    const paths = names.filter((name) => name.isFile()).map((name) => join(name.parentPath, name.name));
    const files = paths.map(async (path) => [path.slice(folder.length + 1), await readFile(path)] as const);
    return new Map(await Promise.all(files));
  }

  it('makes another history of the same size in which nothing is wrong, under the keys of the deployment', async () => {
    const change = (entry: string): string => entry.replace('"call":"call-pdp-0-1-1"', '"call":"another-call"');
    const { size } = await rewriteHistory({ from, to, keys, change });
    const [before, after] = await Promise.all([filesOf(from).then(verifyFiles), filesOf(to).then(verifyFiles)]);
    expect(size).toBe(before.size);
    expect(after.root).not.toBe(before.root);
    expect(after.problems.filter(({ exit }) => exit > 0)).toEqual(before.problems.filter(({ exit }) => exit > 0));
    expect(after.exit).toBe(before.exit);
  });

  it('makes the same blocks again where nothing was changed', async () => {
    await rewriteHistory({ from, to, keys, change: (entry) => entry });
    const index = async (folder: string): Promise<string> => readFile(join(folder, 'blocks', '000.jsonl'), 'utf8');
    expect(await index(to)).toBe(await index(from));
  });

  it('needs the key of every producer', async () => {
    await rm(join(keys, 'producers', 'pdp-1.key'));
    await expect(rewriteHistory({ from, to, keys, change: (entry) => entry })).rejects.toThrow(/`pdp-0` is not there/);
  });

  it('signs the new checkpoint with the key of the log', async () => {
    const { note } = await rewriteHistory({ from, to, keys, change: (entry) => entry });
    expect(parseCheckpoint(`${note.split('\n\n')[0]}\n`).origin).toBe(makeDeployment().ledger);
    expect((await filesOf(to).then(verifyFiles)).problems.map(({ code }) => code)).not.toContain('bad_head');
  });
});
