import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SealedMessage } from '#writ/contracts';
import { formatVkey } from '#writ/signing';
import { Integrator, openCheckpoint, verifyLog } from '#writ/tlog';
import { LogFolder } from '../../apps/cli/src/ledger/log-folder.js';
import { buildHealthyLedger } from '../harness/ledger-builder.js';
import { packageRoot } from '../harness/package-root.js';

const SEALER = join(packageRoot, 'dist', 'test', 'harness', 'dying-sealer.js');
const KILLS = 110;
/** About the steps of two checkpoints, so that each step is hit now and then. */
const STEPS = 130;
const { deployment, messages } = buildHealthyLedger(100);

/** The trees and leaves that the messages make, by size. */
function history() {
  const integrator = new Integrator(deployment.authority);
  const roots = new Map<number, string>();
  const texts: string[] = [];
  for (const message of messages) {
    texts.push(...integrator.integrate(message).leaves.map(({ text }) => text));
    roots.set(integrator.size, integrator.root().toString('base64url'));
  }
  return { roots, texts };
}

describe('a sealer that is killed', () => {
  const { roots, texts } = history();
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'writ-dying-'));
    const lines = messages.map(({ subject, data }) => `${subject} ${Buffer.from(data).toString('base64')}\n`);
    await writeFile(join(directory, 'stream'), lines.join(''));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  const read = (file: string) => readFile(join(directory, file), 'utf8').catch(() => '');
  const linesOf = async (file: string) => (await read(file)).split('\n').slice(0, -1);

  /** Runs it until it is killed at that step; false when it came to the end of the history. */
  async function killedAt(step: number): Promise<boolean> {
    const child = spawn(process.execPath, [SEALER, directory, String(step)], { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const signal = await new Promise((resolve) => child.once('close', (code, name) => resolve(name ?? code)));
    expect([signal, said]).toEqual([signal === 'SIGKILL' ? 'SIGKILL' : 0, '']);
    return signal === 'SIGKILL';
  }

  function sizeIn(note: string): number {
    const key = { name: deployment.logKey.name, key: deployment.logKey.verifyKey };
    const { size, root } = openCheckpoint(note, deployment.ledger, [key]);
    expect(root).toBe(roots.get(size));
    return size;
  }

  it('at any step of its work has signed one history, fed it without a hole, and goes on where it was', async () => {
    let newest = 0;
    let kills = 0;
    for (let seed = 20_261_122; kills < KILLS; kills++) {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      if (!(await killedAt(1 + (seed % STEPS)))) break;
      const note = await read('ledger/checkpoint');
      const size = note === '' ? 0 : sizeIn(note);
      expect(size).toBeGreaterThanOrEqual(newest);
      newest = size;
      for (const line of await linesOf('witnessed')) {
        const [seen, root] = line.split(' ');
        expect([seen, roots.get(Number(seen))]).toEqual([seen, root]);
      }
      const fed = (await linesOf('sealed')).flatMap((line) => SealedMessage.parse(JSON.parse(line)).entries);
      expect(fed).toEqual(texts.slice(0, fed.length));
      expect(fed.length).toBeLessThanOrEqual(newest);
    }
    expect(kills).toBeGreaterThanOrEqual(100);

    await expect(killedAt(0)).resolves.toBe(false);
    const names = await readdir(join(directory, 'ledger', 'checkpoints'));
    for (const name of names) expect(sizeIn(await read(`ledger/checkpoints/${name}`))).toBe(Number(name));
    const fed = (await linesOf('sealed')).flatMap((line) => SealedMessage.parse(JSON.parse(line)).entries);
    expect(fed).toEqual(texts);
    await expectWhole();
  }, 400_000);

  async function expectWhole(): Promise<void> {
    const { root, bundleNote } = deployment;
    const rootVkey = formatVkey({ name: root.name, key: root.verifyKey });
    await writeFile(join(directory, 'ledger', 'bundle'), bundleNote);
    await writeFile(join(directory, 'ledger', 'root.vkey'), `${rootVkey}\n`);
    const { exit, problems, size } = await verifyLog(new LogFolder(join(directory, 'ledger')), { rootVkey });
    expect([exit, problems, size]).toEqual([10, [], texts.length]);
  }
});
