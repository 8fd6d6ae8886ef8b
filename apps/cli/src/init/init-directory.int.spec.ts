import { WritConfig } from '#writ/catalogue';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { deploymentName, initDirectory } from './init-directory.js';

describe('initDirectory', () => {
  let scratch: string;
  beforeEach(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'writ-init-'));
  });
  afterEach(() => rm(scratch, { recursive: true, force: true }));

  it('writes a configuration that parses, its policies, and what to do next', async () => {
    const directory = join(scratch, 'made', 'acme');
    const files = await initDirectory(directory);
    expect(files).toEqual([
      '.gitignore',
      'README.md',
      'policies/egress.cedar',
      'policies/memory.cedar',
      'policies/policies.test.yaml',
      'policies/tools.cedar',
      'writ.yaml',
    ]);
    const config = WritConfig.parse(parse(await readFile(join(directory, 'writ.yaml'), 'utf8')));
    expect(config.ledger).toBe('acme/default/0');
    expect(Object.keys(config.agents)).toEqual(['assistant', 'guest']);
  });

  it('writes into a directory that exists and is empty', async () => {
    await expect(initDirectory(scratch)).resolves.toContain('writ.yaml');
  });

  it('refuses a directory that holds something, and leaves it alone', async () => {
    await writeFile(join(scratch, 'mine.txt'), 'mine');
    await expect(initDirectory(scratch)).rejects.toMatchObject({
      code: 'CONFIG_DATA_DIR',
      message: expect.stringContaining('is not empty'),
    });
    expect(await readdir(scratch)).toEqual(['mine.txt']);
  });

  it('refuses a path that is a file', async () => {
    await mkdir(join(scratch, 'sub'));
    await writeFile(join(scratch, 'sub', 'file'), '');
    await expect(initDirectory(join(scratch, 'sub', 'file'))).rejects.toMatchObject({ code: 'CONFIG_DATA_DIR' });
  });
});

describe('deploymentName', () => {
  it.each([
    // directory          name
    ['/srv/acme', 'acme'],
    ['/srv/Acme Inc.', 'Acme-Inc'],
    ['/srv/…', 'my-deployment'],
    ['/', 'my-deployment'],
  ])('of %s is %s', (directory, name) => {
    expect(deploymentName(directory)).toBe(name);
  });
});
