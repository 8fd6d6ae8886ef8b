import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { filesBelow } from './files-below.js';

describe('the files below a directory', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'writ-files-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  const found = async () => {
    const paths: string[] = [];
    for await (const path of filesBelow(directory)) paths.push(path);
    return paths.toSorted();
  };

  it('are all there, however many a folder has and however deep it lies', async () => {
    const paths: string[] = [];
    for (const folder of ['a', 'a/b', 'a/b/c', 'd']) {
      await mkdir(join(directory, folder));
      for (let n = 0; n < 100; n++) paths.push(`${folder}/${n}`);
    }
    await Promise.all(paths.map((path) => writeFile(join(directory, path), '')));
    expect(await found()).toEqual(paths.toSorted());
  });

  it('have a link among them that nobody follows', async () => {
    await symlink('/', join(directory, 'everything'));
    expect(await found()).toEqual(['everything']);
  });

  it('cannot be told of a directory that is not there', async () => {
    await expect(filesBelow(join(directory, 'gone')).next()).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
