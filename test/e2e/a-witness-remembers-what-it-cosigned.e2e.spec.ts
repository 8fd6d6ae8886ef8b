import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, copyFile, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cosignedBy, parseWitnessVkey, type WitnessKey } from '#writ/signing';
import { checkpointPath } from '#writ/witness';
import { collectCosignatures } from '#writ/witness-client';
import { packageRoot } from '../harness/package-root.js';
import { TinyLog } from '../harness/tiny-log.js';

const log = TinyLog.of();
const WRIT = join(packageRoot, 'bin', 'writ.js');
// Kills the process when it is about to answer a cosignature: it is on the disk, and nobody has heard of it.
const DIE_BEFORE_REPLY = `data:text/javascript,${encodeURIComponent(
  "import http from 'node:http'; const { writeHead } = http.ServerResponse.prototype;" +
    'http.ServerResponse.prototype.writeHead = function (...args) {' +
    "if (this.req.url === '/add-checkpoint' && args[0] === 200) process.kill(process.pid, 'SIGKILL');" +
    'return writeHead.apply(this, args); };',
)}`;

describe('writ witness', () => {
  let scratch: string;
  let state: string;
  let key: WitnessKey;
  const running = new Set<ChildProcess>();
  beforeEach(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'writ-witness-'));
    state = join(scratch, 'w1');
    const { out } = await run('init', state, '--name', 'witness.example/w1', '--json');
    key = parseWitnessVkey((JSON.parse(out) as { vkey: string }).vkey);
  });
  afterEach(async () => {
    for (const child of running) child.kill('SIGKILL');
    await rm(scratch, { recursive: true, force: true });
  });

  const start = (args: readonly string[], nodeArgs: readonly string[] = []) => {
    const child = spawn(process.execPath, [...nodeArgs, WRIT, 'witness', ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const said = { out: '', err: '' };
    child.stdout.on('data', (chunk: Buffer) => (said.out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (said.err += chunk.toString()));
    running.add(child);
    const ended = once(child, 'close').then(([code, signal]) => {
      running.delete(child);
      return { code: code as number | null, signal: signal as string | null, ...said };
    });
    return { child, said, ended };
  };
  const run = (...args: readonly string[]) => start(args).ended;

  /** Runs the witness and waits until it says where it is. */
  const serve = async (nodeArgs: readonly string[] = []) => {
    const args = ['--state', state, '--listen', '127.0.0.1:0', '--log', log.vkey, '--json'];
    const { child, said, ended } = start(args, nodeArgs);
    while (!said.out.includes('\n')) {
      const end = await Promise.race([once(child.stdout ?? child, 'data'), ended]);
      if (!Array.isArray(end)) throw new Error(end.err);
    }
    const ready = JSON.parse(said.out) as { url: string; name: string; logs: unknown };
    return { child, ended, said, ready, key, url: ready.url };
  };
  const seal = (size: number, url: string) =>
    collectCosignatures({
      note: log.note(size),
      logKeys: log.keys,
      witnesses: [{ key, url }],
      knownSizes: new Map(),
      proof: async (oldSize) => log.proof(oldSize, size),
    });

  it('cosigns, shows monitors what it cosigned, ends by SIGTERM with 0, and remembers', async () => {
    const first = await serve();
    expect(first.ready).toMatchObject({ name: 'witness.example/w1', logs: [{ origin: log.origin, size: 0 }] });
    const { note } = await seal(9, first.url);
    expect(cosignedBy(note, [key])).toHaveLength(1);
    expect(await (await fetch(first.url + checkpointPath(log.origin))).text()).toBe(note);
    first.child.kill('SIGTERM');
    const { code, err } = await first.ended;
    expect(code).toBe(0);
    const lines = err
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toContainEqual(
      expect.objectContaining({ service: 'witness', status: 200, verdict: 'cosigned', origin: log.origin, size: 9 }),
    );
    const second = await serve();
    expect(second.ready).toMatchObject({ logs: [{ origin: log.origin, size: 9 }] });
  });

  it('killed between the disk and the answer, gives the same checkpoint its cosignature the next time', async () => {
    const dying = await serve(['--import', DIE_BEFORE_REPLY]);
    const lost = await seal(9, dying.url);
    expect(lost.answers).toMatchObject([{ status: 'unreachable' }]);
    expect((await dying.ended).signal).toBe('SIGKILL');
    const next = await serve();
    expect(next.ready).toMatchObject({ logs: [{ size: 9 }] });
    expect((await seal(9, next.url)).answers).toMatchObject([{ status: 'cosigned', size: 9 }]);
    expect((await seal(12, next.url)).answers).toMatchObject([{ status: 'cosigned', size: 12 }]);
  });

  it('killed at any moment, has never forgotten what it answered', async () => {
    let answered = 0;
    for (let round = 0; round < 6; round++) {
      const { child, url, ended, ready } = await serve();
      const { size: remembered } = (ready.logs as readonly { size: number }[])[0] ?? { size: -1 };
      expect(remembered).toBeGreaterThanOrEqual(answered);
      // The moment is another one each time: after so many answers, in the middle of the next request.
      for (let more = 0; more <= round % 3; more++) {
        const { answers } = await seal(Math.max(answered, remembered) + 1, url);
        answered = answers[0]?.status === 'cosigned' ? answers[0].size : answered;
      }
      const last = seal(Math.max(answered, remembered) + 1, url);
      child.kill('SIGKILL');
      const [{ answers }] = await Promise.all([last, ended]);
      if (answers[0]?.status === 'cosigned') answered = answers[0].size;
    }
    expect(answered).toBeGreaterThan(6);
    const drafts = (await readdir(join(state, 'logs'), { recursive: true })).filter((name) => name.endsWith('.draft'));
    expect(drafts.length).toBeLessThan(6);
  }, 120_000);

  it('refuses to start over a state that was rolled back, and names the file', async () => {
    const { child, url, ended } = await serve();
    const directory = join(state, 'logs', checkpointPath(log.origin).split('/')[1] ?? '');
    await seal(3, url);
    await copyFile(join(directory, 'checkpoint'), join(scratch, 'old'));
    await seal(9, url);
    child.kill('SIGKILL');
    await ended;
    await copyFile(join(scratch, 'old'), join(directory, 'checkpoint'));
    const { code, err } = await run('--state', state, '--listen', '127.0.0.1:0', '--log', log.vkey);
    expect(code).toBe(78);
    expect(err).toMatch(/^CONFIG_DATA_DIR_CORRUPT: .*checkpoint` has size 3, and its journal ends at 9/);
  });

  it('says what is wrong when it cannot start: port, key, state, another one that runs', async () => {
    const args = (listen: string) => ['--state', state, '--listen', listen, '--log', log.vkey, '--json'] as const;
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const inUse = await run(...args(`127.0.0.1:${port}`));
    taken.close();
    expect(inUse).toMatchObject({ code: 78, out: expect.stringContaining('"code":"CONFIG_PORT_IN_USE"') });
    expect(await run(...args('nowhere'))).toMatchObject({ code: 64, out: expect.stringContaining('INPUT_INVALID') });
    const { child, ended } = await serve();
    expect(await run(...args('127.0.0.1:0'))).toMatchObject({
      code: 78,
      out: expect.stringContaining('CONFIG_DATA_DIR_LOCKED'),
    });
    child.kill('SIGTERM');
    await ended;
    await chmod(join(state, 'witness.key'), 0o644);
    expect(await run(...args('127.0.0.1:0'))).toMatchObject({ code: 78, out: expect.stringContaining('CONFIG_KEY') });
    const none = ['--state', join(scratch, 'none'), '--key', join(state, 'witness.key'), '--log', log.vkey];
    await chmod(join(state, 'witness.key'), 0o600);
    expect(await run(...none)).toMatchObject({ code: 78, err: expect.stringMatching(/^CONFIG_DATA_DIR: .*init/) });
  }, 60_000);

  it('makes its key for its owner alone, and never over another one', async () => {
    for (const file of ['witness.key', 'witness.json']) {
      expect((await stat(join(state, file))).mode & 0o077).toBe(0);
    }
    const before = await readFile(join(state, 'witness.key'), 'utf8');
    expect(await run('init', state, '--name', 'witness.example/w2')).toMatchObject({ code: 78 });
    expect(await readFile(join(state, 'witness.key'), 'utf8')).toBe(before);
    const said = await run('init', join(scratch, 'w2'), '--name', 'witness.example/w2');
    expect(said.out).toMatch(/^witness\.example\/w2\+[0-9a-f]{8}\+B[A-P]/);
    expect(said.err).toContain("  - name: witness.example/w2\n    vkey: 'witness.example/w2+");
    expect(`${said.out}${said.err}`).not.toContain(
      (await readFile(join(scratch, 'w2', 'witness.key'), 'utf8')).split(' ')[2]?.trim(),
    );
  });
});
