import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadCatalogue } from './catalogue.js';

describe('loadCatalogue', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'writ-catalogue-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('reads a file and says what relative paths are relative to', async () => {
    const path = join(directory, 'writ.yaml');
    await writeFile(path, 'version: 1\nledger: a/b/0\n');
    const catalogue = await loadCatalogue(path, {});
    expect(catalogue.baseDirectory).toBe(directory);
    expect(catalogue.config.shards).toBe(1);
  });

  it('reads the files of tools beside it, and nothing else in their folder', async () => {
    const path = join(directory, 'writ.yaml');
    await writeFile(path, 'version: 1\nledger: a/b/0\n');
    await mkdir(join(directory, 'tools'));
    await writeFile(join(directory, 'tools', 'README.md'), 'not: [yaml');
    const tool = (name: string) => `version: 1\ntools: { ${name}: { kind: function, function: noop, input: {} } }\n`;
    for (const name of ['b', 'a']) await writeFile(join(directory, 'tools', `${name}.tools.yaml`), tool(name));
    expect([...(await loadCatalogue(path, {})).tools.keys()]).toEqual(['a', 'b']);
  });

  it('says that a file cannot be read', async () => {
    await expect(loadCatalogue(join(directory, 'none.yaml'), {})).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});
