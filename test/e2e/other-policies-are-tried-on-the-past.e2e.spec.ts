import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCli } from '../harness/gateway.js';
import { OutsideService } from './outside-service.js';
import { STAFF_ACTS, startOffice } from './small-office.js';

const STAFF_ECHOES = STAFF_ACTS.replace(/action in \[[^\]]*\]/, 'action == Action::"echo"');

describe('other policies', () => {
  let outside: OutsideService;
  let folder: string;
  beforeAll(async () => {
    outside = await OutsideService.start();
    folder = await mkdtemp(join(tmpdir(), 'writ-other-'));
    await mkdir(join(folder, 'stricter'));
    await writeFile(join(folder, 'stricter', 'staff.cedar'), STAFF_ECHOES);
  });
  afterAll(async () => {
    await outside[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  it('are tried on the past while it goes on and when it is over, and nothing runs', async () => {
    const gateway = await startOffice(outside);
    try {
      const alice = await gateway.agent('alice');
      await alice.tool('act', { marker: 'one' });
      await alice.tool('echo', { marker: 'two' });
      const gus = await gateway.agent('gus');
      await expect(gus.tool('act', { marker: 'three' })).rejects.toMatchObject({ code: 'no_policy_permits' });
      await expect(alice.catalog()).resolves.toMatchObject({
        tools: ['act', 'act.again', 'act.slowly', 'echo'].map((name) => ({ name })),
      });
      await expect(gus.catalog()).resolves.toEqual({ tools: [], namespaces: [], destinations: [] });
      const effects = outside.effects.length;

      const args = ['policy', 'replay', '--config', join(gateway.directory, 'writ.yaml'), '--json', '--policies'];
      const replay = async (policies: string, ...more: readonly string[]) => {
        const { status, stdout } = await runCli([...args, policies, '--data', gateway.paths.dataDir, ...more]);
        return { status, ...(JSON.parse(stdout) as object) };
      };
      const flipped = {
        status: 1,
        replayed: 3,
        flips: 1,
        groups: [
          { change: 'permit → forbid', agent: 'alice', policy: 'no longer policies/staff.cedar:2 permit staff-acts' },
        ],
      };
      await expect(replay(join(folder, 'stricter'))).resolves.toMatchObject(flipped);
      await expect(replay(join(gateway.directory, 'policies'))).resolves.toMatchObject({
        status: 0,
        replayed: 3,
        flips: 0,
      });
      await expect(replay(join(folder, 'stricter'), '--from', '1000000')).resolves.toMatchObject({
        status: 78,
        error: { message: 'nothing was asked: no decision is on record there' },
      });
      await gateway.stop({ keep: true });
      await expect(replay(join(folder, 'stricter'))).resolves.toMatchObject(flipped);
      expect(outside.effects).toHaveLength(effects);
    } finally {
      await gateway.stop();
    }
  }, 120_000);
});
