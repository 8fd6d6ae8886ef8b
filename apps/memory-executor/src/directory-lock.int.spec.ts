import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { takeLock } from './directory-lock.js';

describe('takeLock', () => {
  let directory: string;
  let path: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'writ-lock-'));
    path = join(directory, 'lock');
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  it('is held until it is released, and can be taken again', () => {
    const release = takeLock(path);
    expect(() => takeLock(path)).toThrow(expect.objectContaining({ code: 'CONFIG_DATA_DIR_LOCKED' }));
    release();
    expect(existsSync(path)).toBe(false);
    takeLock(path)();
  });

  it.each([
    ['names a process that has ended', '4194305 -\n'],
    ['names this process, which does not hold it', `${process.pid} -\n`],
    ['names a process id that another process has now', '1 an-earlier-boot:1\n'],
    ['is empty, because its writer died', ''],
  ])('takes over a lock that %s', async (_case, mark) => {
    await writeFile(path, mark);
    const release = takeLock(path);
    await expect(readFile(path, 'utf8')).resolves.toMatch(new RegExp(`^${process.pid} `));
    release();
  });

  it('says so when the directory is not there', () => {
    expect(() => takeLock(join(directory, 'absent', 'lock'))).toThrow(
      expect.objectContaining({ code: 'CONFIG_DATA_DIR' }),
    );
  });
});
