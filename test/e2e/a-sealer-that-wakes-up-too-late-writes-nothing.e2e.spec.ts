import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatVkey } from '#writ/signing';
import { Integrator, verifyLog } from '#writ/tlog';
import { LogFolder } from '../../apps/cli/src/ledger/log-folder.js';
import { buildHealthyLedger } from '../harness/ledger-builder.js';
import { packageRoot } from '../harness/package-root.js';

const SEALERS = join(packageRoot, 'dist', 'test', 'harness', 'paused-sealer.js');
/** Of some 200 steps each 13th, so that it does not take a minute; each start and each number of steps is as good. */
const [FIRST, EVERY] = [3, 13];
const { deployment, messages } = buildHealthyLedger(30);

interface Woken {
  readonly step: number;
  /** What it said when it ended. */
  readonly outcome: string;
  /** The files that it wrote, and those that it removed, after it woke up. */
  readonly written: readonly string[];
  readonly removed: readonly string[];
}

describe('a sealer that is paused while another one takes over, and wakes up', () => {
  let directory: string;
  let woken: readonly Woken[];
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'writ-paused-'));
    const lines = messages.map(({ subject, data }) => `${subject} ${Buffer.from(data).toString('base64')}\n`);
    await writeFile(join(directory, 'stream'), lines.join(''));
    woken = await pausedEverywhere();
  }, 120_000);
  afterAll(() => rm(directory, { recursive: true, force: true }));

  async function pausedEverywhere(): Promise<readonly Woken[]> {
    const child = spawn(process.execPath, [SEALERS, directory, String(FIRST), String(EVERY)]);
    let [said, wrong] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (wrong += chunk.toString()));
    const code = await new Promise((resolve) => child.once('close', resolve));
    expect([code, wrong]).toEqual([0, '']);
    const lines = said.trimEnd().split('\n');
    return lines.map((line) => JSON.parse(line) as Woken);
  }

  it('writes no file of the log and none of its state, at whichever step it was, and ends', () => {
    expect(woken.length).toBeGreaterThan(9);
    expect(woken.filter(({ written }) => written.some((file) => !file.endsWith('/witnessed')))).toEqual([]);
    // What the next owner would remove itself: partial tiles beside the full one, and a state that eight newer ones follow.
    const surplus = /\/tile\/.+\.p\/[0-9]+$|\/sealer\/state-/;
    expect(woken.filter(({ removed }) => removed.some((file) => !surplus.test(file)))).toEqual([]);
    // One that was at its last step has nothing to write and does not hear of it.
    const outcomes = new Set(woken.map(({ outcome }) => outcome));
    const others = [...outcomes].filter((outcome) => outcome !== 'came to its end');
    expect(others.length).toBeGreaterThan(0);
    expect(others.filter((outcome) => !outcome.startsWith('another sealer '))).toEqual([]);
  });

  it('shows witnesses no tree but that of the one history, which verifies', async () => {
    const integrator = new Integrator(deployment.authority);
    const roots = new Map<number, string>();
    for (const message of messages) {
      integrator.integrate(message);
      roots.set(integrator.size, integrator.root().toString('base64url'));
    }
    const run = join(directory, 'run');
    const witnessed = (await readFile(join(run, 'witnessed'), 'utf8')).trimEnd().split('\n');
    for (const line of witnessed) {
      const [size, root] = line.split(' ');
      expect([size, roots.get(Number(size))]).toEqual([size, root]);
    }
    const { root, bundleNote } = deployment;
    const rootVkey = formatVkey({ name: root.name, key: root.verifyKey });
    await writeFile(join(run, 'ledger', 'bundle'), bundleNote);
    await writeFile(join(run, 'ledger', 'root.vkey'), `${rootVkey}\n`);
    const { exit, problems, size } = await verifyLog(new LogFolder(join(run, 'ledger')), { rootVkey });
    expect([exit, problems, size]).toEqual([10, [], integrator.size]);
  });
});
