import { SecretStore } from '#writ/secrets';
import { spawn } from 'node:child_process';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../harness/package-root.js';

const PROGRAM = join(packageRoot, 'dist', 'test', 'harness', 'dying-rekey.js');
const NOW = new Date('2026-11-23T10:00:00.000Z');
const [FIRST, SECOND] = ['tok-first-4f9d1c7b2a6e', 'tok-second-8053d1aa90ce'];
/** More than it has operations on files. */
const STEPS_MAX = 60;

describe('a secret store whose rekeying is killed', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'writ-rekey-'));
    const store = new SecretStore(placeIn('before'));
    await store.set('slack', FIRST, NOW);
    await store.set('crm', SECOND, NOW);
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  const placeIn = (name: string) => ({
    file: join(directory, name, 'secrets.json'),
    identity: join(directory, name, 'keys', 'secrets.age'),
  });

  /** How it ended that was to be killed before that operation on a file. */
  async function rekeyIn(name: string, step: number): Promise<string | number> {
    await cp(join(directory, 'before'), join(directory, name), { recursive: true });
    const { file, identity } = placeIn(name);
    const kept = join(directory, name, 'kept.age');
    const child = spawn(process.execPath, [PROGRAM, file, identity, String(step), kept], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    return new Promise((resolve) => child.once('close', (code, signal) => resolve(signal ?? code ?? -1)));
  }

  it('at any of its steps opens with all of its values, and another try completes it', async () => {
    let step = 0;
    let end: string | number;
    do {
      const name = `killed-${++step}`;
      end = await rekeyIn(name, step);
      const store = new SecretStore(placeIn(name));
      const values = await Promise.all(['slack', 'crm'].map((secret) => store.values(secret, NOW)));
      expect([step, ...values.map((each) => each?.current)]).toEqual([step, FIRST, SECOND]);
      await store.rekey(NOW);
      expect((await store.values('crm', NOW))?.current).toBe(SECOND);
      expect(await readFile(placeIn(name).identity, 'utf8')).toMatch(/^# public key: age1\w+\nAGE-SECRET-KEY-1\w+\n$/);
    } while (end === 'SIGKILL' && step < STEPS_MAX);
    expect([end, step > 8]).toEqual([0, true]);
  }, 300_000);
});
