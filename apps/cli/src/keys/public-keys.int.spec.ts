import { deploymentPaths, openDeployment, readSigningKey, readTrustBundle } from '#writ/deployment';
import { WritConfig } from '#writ/catalogue';
import { Authority, formatVkey } from '#writ/signing';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { publicKeys } from './public-keys.js';

const CONFIG = { version: 1, ledger: 'test.example/default/0' };

describe('publicKeys', () => {
  let scratch: string;
  let where: { readonly config: string; readonly dataDir: string };
  beforeEach(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'writ-keys-'));
    where = { config: join(scratch, 'writ.yaml'), dataDir: join(scratch, 'data') };
    await writeFile(where.config, JSON.stringify(CONFIG));
  });
  afterEach(() => rm(scratch, { recursive: true, force: true }));

  it('makes the keys of a deployment that was never started, and the same ones are there when it starts', async () => {
    const made = await publicKeys(where);
    const paths = deploymentPaths(where.dataDir);
    const log = await readSigningKey(paths.logKey);
    expect(made.log).toBe(formatVkey({ name: log.name, key: log.verifyKey }));
    const deployment = await openDeployment({ dataDir: where.dataDir, config: WritConfig.parse(CONFIG) });
    await deployment.close();
    const trusted = new Authority(await readTrustBundle(paths)).logKeys();
    expect(trusted.map(({ name, key }) => formatVkey({ name, key }))).toEqual([made.log]);
    expect(await readFile(paths.rootVkey, 'utf8')).toBe(`${made.root}\n`);
  });

  it('shows those of a deployment that runs, and needs no configuration for it', async () => {
    const deployment = await openDeployment({ dataDir: where.dataDir, config: WritConfig.parse(CONFIG) });
    try {
      const shown = await publicKeys({ ...where, config: join(scratch, 'none.yaml') });
      expect(shown.log).toMatch(/^test\.example\/default\/0\+[0-9a-f]{8}\+/);
    } finally {
      await deployment.close();
    }
  });

  it('makes nothing without a configuration, and shows nothing that is damaged', async () => {
    await expect(publicKeys({ ...where, config: join(scratch, 'none.yaml') })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
    await publicKeys(where);
    await writeFile(deploymentPaths(where.dataDir).logVkey, 'test.example/default/0+00000000+AAAA\n');
    await expect(publicKeys(where)).rejects.toMatchObject({ code: 'CONFIG_KEY' });
  });
});
