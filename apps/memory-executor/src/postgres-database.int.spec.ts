import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { PGLITE_EXTENSIONS, defaultTemplate, ensureTemplate, makeCluster } from './pglite-template.js';
import { serveWire, type WireServer } from './pglite-wire.fixture.js';
import { PostgresDatabase } from './postgres-database.js';

describe('PostgresDatabase', () => {
  let directory: string;
  let pglite: PGlite;
  let server: WireServer;
  let database: PostgresDatabase;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'writ-postgres-'));
    const template = defaultTemplate();
    if (template !== undefined) await ensureTemplate(template);
    await makeCluster(join(directory, 'cluster'), template);
    pglite = await PGlite.create({ dataDir: join(directory, 'cluster'), extensions: PGLITE_EXTENSIONS });
    server = await serveWire(pglite);
    database = await PostgresDatabase.open(server.url);
  }, 60_000);
  afterAll(async () => {
    await database.close();
    await server.close();
    await pglite.close();
    await rm(directory, { recursive: true, force: true });
  });

  it('binds values as they are, arrays too', async () => {
    const values = ["'", '"', '\\', '{a,b}', 'NULL', '', '💥'];
    await expect(database.query('select $1::text[] as texts, $2::text as text', [values, "it's"])).resolves.toEqual([
      { texts: values, text: "it's" },
    ]);
  });

  it('commits a transaction, and rolls back one that throws', async () => {
    await database.query('create table t (a integer)');
    await database.transaction((session) => session.query('insert into t values (1)'));
    const failing = database.transaction(async (session) => {
      await session.query('insert into t values (2)');
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    await expect(database.query('select a from t')).resolves.toEqual([{ a: 1 }]);
  });

  it('works on after a statement that fails', async () => {
    await expect(database.transaction((session) => session.query('select 1/0'))).rejects.toThrow('division by zero');
    await expect(database.query('select 1 as one')).resolves.toEqual([{ one: 1 }]);
  });

  it('does not begin for a caller that has given up', async () => {
    const acted = database.transaction(async () => 'acted', AbortSignal.abort());
    await expect(acted).rejects.toThrow('aborted');
  });

  it('ends the statement of a caller that gives up, rolls back and works on', async () => {
    await database.query('create table u (a integer)');
    const caller = new AbortController();
    const stopped = database.transaction(async (session) => {
      await session.query('insert into u values (1)');
      caller.abort();
      return session.query('insert into u values (2)');
    }, caller.signal);
    await expect(stopped).rejects.toThrow(/terminated|aborted|closed/i);
    await expect(database.query('select a from u')).resolves.toEqual([]);
  });

  it('refuses a server without pgvector', async () => {
    const cluster = join(directory, 'bare');
    await makeCluster(cluster, defaultTemplate());
    const bare = await PGlite.create({ dataDir: cluster });
    const bareServer = await serveWire(bare);
    await expect(PostgresDatabase.open(bareServer.url)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('`vector`'),
    });
    await bareServer.close();
    await bare.close();
  });

  it('says that a server cannot be reached, without the URL and its password', async () => {
    const closed = 'postgres://writ:a-secret@127.0.0.1:1/postgres';
    await expect(PostgresDatabase.open(closed)).rejects.toMatchObject({
      code: 'EXECUTOR_STORE_FAILED',
      message: 'the PostgreSQL server cannot be reached',
    });
  });
});
