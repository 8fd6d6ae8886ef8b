import { Authority, formatVkey, SigningKey } from '#writ/signing';
import { closedPlace } from '#writ/deployment';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buildHealthyLedger, makeDeployment } from '../../../test/harness/ledger-builder.js';
import { buildLog, putCheckpoint, writeLog } from '../../../test/harness/log-builder.js';
import { logReplays } from './log-replays.js';

const ROUNDS = 60;

describe('what is replayed from the directory of a log', () => {
  let directory: string;
  const { authority, ledger } = makeDeployment();
  const open = (trusted: Authority = authority) =>
    logReplays({
      requestFile: join(directory, 'request'),
      logDirectory: directory,
      authority: () => trusted,
      rootVkeyFile: join(directory, 'root.vkey'),
    });

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'writ-replays-'));
    for (const [path, bytes] of await buildLog(buildHealthyLedger(ROUNDS).messages)) {
      await mkdir(join(directory, dirname(path)), { recursive: true });
      await writeFile(join(directory, path), bytes);
    }
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  it('is the exact text of each leaf, over the border of a bundle', async () => {
    const texts = await open().leaves(ledger, 250, 262);
    expect(texts).toHaveLength(12);
    for (const text of texts) expect(JSON.parse(text)).toMatchObject({ v: 1, ledger });
    expect(await open().leaves(ledger, 255, 257)).toEqual(texts.slice(5, 7));
  });

  it('is nothing of an entry that was changed on the disk', async () => {
    const bundle = join(directory, 'tile/entries/000');
    const bytes = await readFile(bundle);
    const at = bytes.indexOf('slack.chat.postMessage');
    bytes[at] = 'x'.charCodeAt(0);
    await writeFile(bundle, bytes);
    await expect(open().leaves(ledger, 0, 20)).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' });
  });

  it('is nothing under a checkpoint that the log did not sign, or that is of fewer entries', async () => {
    const files = new Map<string, Buffer>();
    putCheckpoint(files, { size: 10, root: 'A'.repeat(43) }, {});
    const note = files.get('checkpoint')?.toString() ?? '';
    await writeFile(join(directory, 'checkpoint'), note.replace('\n10\n', '\n300\n'));
    await expect(open().leaves(ledger, 0, 5)).rejects.toMatchObject({
      code: expect.stringMatching(/^(LEDGER|INPUT)_/),
    });
    await writeFile(join(directory, 'checkpoint'), note);
    await expect(open().leaves(ledger, 0, 20)).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' });
  });

  it('is of the ledger that is asked for: one that ended lies aside, under its own bundle, and no other one is read', async () => {
    const { rootVkey, bundle } = makeDeployment();
    const end = { ledger, seq: 300, size: 700, root: 'r'.repeat(43), checkpoint: 'a note' };
    const after = new Authority({ ...bundle, ledger: 'writ.test/default/2027', closed: [end] });
    const log = join(directory, 'ledger');
    const kept = closedPlace(log, ledger);
    await writeLog(kept, await buildLog(buildHealthyLedger(ROUNDS).messages));
    const vkeyFile = join(directory, 'root.vkey');
    const replays = logReplays({
      requestFile: join(directory, 'request'),
      logDirectory: log,
      authority: () => after,
      rootVkeyFile: vkeyFile,
    });
    await expect(replays.leaves(ledger, 3, 9)).resolves.toHaveLength(6);
    await expect(replays.leaves('writ.test/default/2025', 3, 9)).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' });
    const other = new SigningKey('writ.test/root', Buffer.alloc(32, 77));
    await writeFile(vkeyFile, `${formatVkey({ name: other.name, key: other.verifyKey })}\n`);
    await expect(replays.leaves(ledger, 3, 9)).rejects.toMatchObject({ code: 'CONFIG_KEY' });
    expect(rootVkey).not.toBe(formatVkey({ name: other.name, key: other.verifyKey }));
  });

  it('is asked for by a file that stays until it is done, and a damaged one is said to be so', async () => {
    const replays = open();
    await expect(replays.asked()).resolves.toBeUndefined();
    await replays.save({ v: 1, from: 7, progress: { to: 9, at: 8, xseq: 0 } });
    await expect(open().asked()).resolves.toEqual({ v: 1, from: 7, progress: { to: 9, at: 8, xseq: 0 } });
    await replays.finish();
    await expect(replays.asked()).resolves.toBeUndefined();
    await writeFile(join(directory, 'request'), '{"v":1,"from":-1}');
    await expect(replays.asked()).rejects.toMatchObject({ code: 'CONFIG_DATA_DIR_CORRUPT' });
  });
});
