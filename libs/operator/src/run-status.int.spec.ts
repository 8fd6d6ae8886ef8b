import { deploymentPaths } from '#writ/deployment';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findRunStatus, removeRunStatus, type RunStatus, writeRunStatus } from './run-status.js';

const status: RunStatus = {
  url: 'nats://127.0.0.1:4222',
  pid: process.pid,
  config: '/etc/writ.yaml',
  policies: '/etc/policies',
  processes: [{ name: 'nats-server', pid: 1, healthPort: null }],
};
/** Above every process id that Linux gives. */
const NO_PROCESS = 4_194_305;

describe('the run status', () => {
  let scratch: string;
  beforeEach(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'writ-status-'));
    await mkdir(deploymentPaths(scratch).runDir);
  });
  afterEach(() => rm(scratch, { recursive: true, force: true }));

  it('is found as it was written, until it is removed', async () => {
    const paths = deploymentPaths(scratch);
    await writeRunStatus(paths, status);
    await expect(findRunStatus(paths)).resolves.toEqual(status);
    await removeRunStatus(paths);
    await expect(findRunStatus(paths)).resolves.toBeUndefined();
  });

  it('of a supervisor that was killed counts for nothing', async () => {
    const paths = deploymentPaths(scratch);
    await writeRunStatus(paths, { ...status, pid: NO_PROCESS });
    await expect(findRunStatus(paths)).resolves.toBeUndefined();
  });

  it('that is damaged is CONFIG_DATA_DIR_CORRUPT', async () => {
    await writeFile(join(scratch, 'run', 'status.json'), '{"url":');
    await expect(findRunStatus(deploymentPaths(scratch))).rejects.toMatchObject({ code: 'CONFIG_DATA_DIR_CORRUPT' });
  });
});
