import { formatVkey, SigningKey } from '#writ/signing';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commandLine } from './command-line.js';
import { packageRoot } from './package-root.js';
import { startWitness } from './witness-process.js';

const LOG = new SigningKey('log.example/default/0', Buffer.alloc(32, 7));
const LOG_VKEY = formatVkey({ name: LOG.name, key: LOG.verifyKey });

describe('the witness of the security team', () => {
  let folder: string;
  const writ = commandLine(packageRoot(), {});
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'writ-team-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('is a process of its own with a memory of its own, and is gone when it was ended', async () => {
    const witness = await startWitness({ writ, folder, logVkey: LOG_VKEY });
    expect(process.kill(witness.pid, 0)).toBe(true);
    expect((await fetch(`${witness.url}/healthz`)).status).toBe(200);
    expect((await stat(join(witness.state, 'witness.key'))).mode & 0o077).toBe(0);
    await witness.end();
    expect(() => process.kill(witness.pid, 0)).toThrow();
  }, 30_000);

  it('says why when it cannot watch that log', async () => {
    await expect(startWitness({ writ, folder, logVkey: 'log.example' })).rejects.toThrow(/CONFIG_KEY/);
  }, 30_000);
});
