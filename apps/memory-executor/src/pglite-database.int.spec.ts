import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PgliteDatabase } from './pglite-database.js';
import { defaultTemplate, ensureTemplate } from './pglite-template.js';

describe('PgliteDatabase', () => {
  const template = defaultTemplate() ?? '';
  let root: string;
  let directory: string;
  let database: PgliteDatabase;
  let directories = 0;
  const freshDirectory = () => join(root, String(directories++));

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'writ-pglite-'));
    directory = freshDirectory();
    await ensureTemplate(template);
    database = await PgliteDatabase.open(directory);
  }, 60_000);
  afterAll(async () => {
    await database.close();
    await rm(root, { recursive: true, force: true });
  });

  it('rolls back a transaction that throws or whose caller has given up', async () => {
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
  });

  it('is opened by one process at a time, and keeps what was written', async () => {
    await database.query('create table kept (a text)');
    await database.query('insert into kept values ($1)', ["it's"]);
    await expect(PgliteDatabase.open(directory)).rejects.toMatchObject({ code: 'CONFIG_DATA_DIR_LOCKED' });
    await database.close();
    await expect(readdir(directory)).resolves.toEqual(['cluster']);
    const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    await once(other, 'spawn');
    await writeFile(join(directory, 'lock'), `${other.pid} -\n`);
    await expect(PgliteDatabase.open(directory)).rejects.toMatchObject({
      code: 'CONFIG_DATA_DIR_LOCKED',
      message: expect.stringContaining(`process ${other.pid} `),
    });
    other.kill('SIGKILL');
    await once(other, 'exit');
    database = await PgliteDatabase.open(directory);
    await expect(database.query('select a from kept')).resolves.toEqual([{ a: "it's" }]);
  });

  it.each<[string, (cluster: string) => Promise<void>]>([
    ['has lost its version file', (cluster) => rm(join(cluster, 'PG_VERSION'))],
    ['has a control file of zeros', (cluster) => writeFile(join(cluster, 'global', 'pg_control'), Buffer.alloc(8192))],
    ['is a file', (cluster) => rm(cluster, { recursive: true }).then(() => writeFile(cluster, 'x'))],
  ])('refuses a database that %s, and does not make a new one over it', async (_case, damage) => {
    const damaged = freshDirectory();
    await cp(template, join(damaged, 'cluster'), { recursive: true });
    await damage(join(damaged, 'cluster'));
    await expect(PgliteDatabase.open(damaged)).rejects.toMatchObject({ code: 'CONFIG_DATA_DIR_CORRUPT' });
  });

  it('refuses a directory that cannot be made', async () => {
    const file = join(root, 'file');
    await writeFile(file, '');
    await expect(PgliteDatabase.open(join(file, 'memory'))).rejects.toMatchObject({ code: 'CONFIG_DATA_DIR' });
  });

  it('starts over when an earlier process died while making the database', async () => {
    const unfinished = freshDirectory();
    await cp(template, join(unfinished, 'cluster.making'), { recursive: true });
    await rm(join(unfinished, 'cluster.making', 'global'), { recursive: true });
    const made = await PgliteDatabase.open(unfinished);
    await expect(made.query('select 1 as one')).resolves.toEqual([{ one: 1 }]);
    await made.close();
  });
});
