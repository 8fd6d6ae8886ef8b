import { WritConfig } from '#writ/catalogue';
import { deploymentPaths, openDeployment, readTrustBundle } from '#writ/deployment';
import { writeRunStatus } from '#writ/operator';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runContinue } from './run-continue.js';

const OLD = 'test.example/default/2026';

describe('`writ ledger continue`', () => {
  let directory: string;
  const dataDir = () => join(directory, 'data');
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'writ-continue-'));
    const config = WritConfig.parse({ version: 1, ledger: OLD, agents: {} });
    await (await openDeployment({ dataDir: dataDir(), config })).close();
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  const asked = (as: string, data = dataDir()) =>
    runContinue({
      config: join(directory, 'writ.yaml'),
      dataDir: data,
      as,
      by: 'ops',
      rootKey: undefined,
      note: () => undefined,
    });

  it.each([
    ['a name without a slash', 'writ', 'CONFIG_INVALID'],
    ['a name with a blank', 'writ.example/acme 2027', 'CONFIG_INVALID'],
    ['a name that commands a terminal', 'writ.example/\u001b[2J', 'CONFIG_INVALID'],
    ['the name that it has', OLD, 'CONFIG_NAME_TAKEN'],
  ])('refuses %s, and changes nothing', async (_case, as, code) => {
    await expect(asked(as)).rejects.toMatchObject({ code });
    const paths = deploymentPaths(dataDir());
    expect([existsSync(paths.continuation), (await readTrustBundle(paths)).next]).toEqual([false, undefined]);
  });

  it('refuses where nothing was ever started, and says how to stop what runs', async () => {
    await expect(asked('a/b', join(directory, 'none'))).rejects.toMatchObject({ code: 'CONFIG_DATA_DIR' });
    const paths = deploymentPaths(dataDir());
    const status = { url: 'nats://127.0.0.1:1', pid: process.pid, config: 'c', policies: 'p', processes: [] };
    await writeRunStatus(paths, status);
    await expect(asked('a/b')).rejects.toMatchObject({
      code: 'CONFIG_DATA_DIR_LOCKED',
      message: expect.stringContaining(`kill -TERM ${process.pid}`),
    });
  });
});
