import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PgliteDatabase } from './pglite-database.js';
import { defaultTemplate, ensureTemplate } from './pglite-template.js';

describe('PgliteDatabase', () => {
  let root: string;
  let directories = 0;
  const freshDirectory = () => join(root, String(directories++));
  const template = defaultTemplate() ?? '';

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'writ-pglite-'));
    await ensureTemplate(template);
  }, 60_000);
  afterAll(() => rm(root, { recursive: true, force: true }));

  it('keeps what was written when it is opened again', async () => {
    const directory = freshDirectory();
    const first = await PgliteDatabase.open(directory);
    await first.query('create table t (a text)');
    await first.query('insert into t values ($1)', ["it's"]);
    await first.close();
    const second = await PgliteDatabase.open(directory);
    await expect(second.query('select a from t')).resolves.toEqual([{ a: "it's" }]);
    await second.close();
  });

  it('rolls back a transaction that throws or whose caller has given up', async () => {
    const database = await PgliteDatabase.open(freshDirectory());
    await database.query('create table t (a integer)');
    const caller = new AbortController();
    const given = database.transaction(async (session) => {
      await session.query('insert into t values (1)');
      caller.abort();
    }, caller.signal);
    await expect(given).rejects.toThrow('aborted');
    const failed = database.transaction(async (session) => {
      await session.query('insert into t values (2)');
      throw new Error('no');
    });
    await expect(failed).rejects.toThrow('no');
    await expect(database.query('select a from t')).resolves.toEqual([]);
    await database.close();
  });

  it('is opened by one process only', async () => {
    const directory = freshDirectory();
    const database = await PgliteDatabase.open(directory);
    await expect(PgliteDatabase.open(directory)).rejects.toMatchObject({ code: 'CONFIG_DATA_DIR_LOCKED' });
    await database.close();
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    await once(child, 'spawn');
    await writeFile(join(directory, 'lock'), `${child.pid} -\n`);
    await expect(PgliteDatabase.open(directory)).rejects.toMatchObject({
      code: 'CONFIG_DATA_DIR_LOCKED',
      message: expect.stringContaining(`process ${child.pid} `),
    });
    child.kill('SIGKILL');
    await once(child, 'exit');
    await (await PgliteDatabase.open(directory)).close();
    await expect(readdir(directory)).resolves.toEqual(['cluster']);
  });

  it.each<[string, (cluster: string) => Promise<void>]>([
    ['has lost its version file', (cluster) => rm(join(cluster, 'PG_VERSION'))],
    ['has a control file of zeros', (cluster) => writeFile(join(cluster, 'global', 'pg_control'), Buffer.alloc(8192))],
    ['is a file', (cluster) => rm(cluster, { recursive: true }).then(() => writeFile(cluster, 'x'))],
  ])('refuses a database that %s, and does not make a new one over it', async (_case, damage) => {
    const directory = freshDirectory();
    await cp(template, join(directory, 'cluster'), { recursive: true });
    await damage(join(directory, 'cluster'));
    await expect(PgliteDatabase.open(directory)).rejects.toMatchObject({ code: 'CONFIG_DATA_DIR_CORRUPT' });
  });

  it('refuses a directory that cannot be made', async () => {
    const file = join(root, 'file');
    await writeFile(file, '');
    await expect(PgliteDatabase.open(join(file, 'memory'))).rejects.toMatchObject({ code: 'CONFIG_DATA_DIR' });
  });

  it('starts over when an earlier process died while making the database', async () => {
    const directory = freshDirectory();
    await cp(template, join(directory, 'cluster.making'), { recursive: true });
    await rm(join(directory, 'cluster.making', 'global'), { recursive: true });
    const database = await PgliteDatabase.open(directory);
    await expect(database.query('select 1 as one')).resolves.toEqual([{ one: 1 }]);
    await database.close();
  });
});
