import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { PGLITE_EXTENSIONS, defaultTemplate, ensureTemplate, makeCluster } from './pglite-template.js';
import { makeCertificates } from '../../../test/harness/certificates.js';
import { eventually } from '../../../test/harness/gateway.js';
import { findPostgresql, Postgresql } from '../../../test/harness/postgresql.js';
import { serveWire, type WireServer } from './pglite-wire.fixture.js';
import { assertFit, PostgresDatabase } from './postgres-database.js';

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
    await pglite.exec(
      'create role writ nosuperuser; grant create on schema public to writ; set session authorization writ',
    );
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
      code: 'CONFIG_DATABASE_UNFIT',
      message: 'the PostgreSQL server does not have the extension `vector`',
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

describe('the versions that a PostgreSQL server tells', () => {
  const fit = { server: 150_000, offered: '0.8.0', pgvector: '0.8.0' };

  it.each([
    ['the floor', fit],
    ['a later PostgreSQL', { ...fit, server: 180_006 }],
    ['a later pgvector', { ...fit, pgvector: '0.10.0' }],
    ['a pgvector of two numbers', { ...fit, pgvector: '1.0' }],
  ])('are taken: %s', (_case, found) => {
    expect(() => assertFit(found)).not.toThrow();
  });

  it.each([
    ['PostgreSQL 14', { ...fit, server: 149_999 }, 'the PostgreSQL server is older than version 15'],
    ['no version', { ...fit, server: Number.NaN }, 'the PostgreSQL server is older than version 15'],
    ['no pgvector', { ...fit, offered: null, pgvector: null }, /does not have the extension/],
    ['a pgvector that nobody created', { ...fit, pgvector: null }, /a superuser runs `create extension vector` there/],
    ['an earlier pgvector', { ...fit, pgvector: '0.7.4' }, /has version 0\.7\.4; the floor is 0\.8\.0/],
    ['a pgvector under way', { ...fit, pgvector: '0.8.0-dev' }, /the floor is 0\.8\.0/],
  ])('are refused: %s', (_case, found, message) => {
    expect(() => assertFit(found)).toThrow(expect.objectContaining({ code: 'CONFIG_DATABASE_UNFIT' }));
    expect(() => assertFit(found)).toThrow(message);
  });
});

const describeIfAvailable = findPostgresql() === undefined ? describe.skip : describe;
describeIfAvailable('PostgresDatabase on a PostgreSQL server', () => {
  let server: Postgresql;
  let database: PostgresDatabase;
  beforeAll(async () => {
    server = await Postgresql.start();
    database = await PostgresDatabase.open(server.url());
  }, 60_000);
  afterAll(async () => {
    await database.close();
    await server[Symbol.asyncDispose]();
  });

  const answers = () =>
    eventually(() => database.query('select 1 as one').catch(() => undefined), 'a database that answers');

  it('refuses a role that row-level security does not bind, also one that stands in for another', async () => {
    await server.admin('create role beyond login nosuperuser bypassrls');
    const unbound = ['postgres', 'beyond'].map((role) => server.url({ role }));
    for (const url of [...unbound, server.url({ role: 'postgres', parameters: 'options=-c%20role%3Dwrit' })]) {
      await expect(PostgresDatabase.open(url)).rejects.toMatchObject({ code: 'CONFIG_DATABASE_ROLE' });
    }
  });

  it('refuses a database in which nobody created pgvector, and says who does', async () => {
    await server.admin('create database bare owner writ');
    await expect(PostgresDatabase.open(server.url({ database: 'bare' }))).rejects.toMatchObject({
      code: 'CONFIG_DATABASE_UNFIT',
      message: expect.stringContaining('a superuser runs `create extension vector` there'),
    });
  });

  it('ends on the server what a caller gave up, in a moment and not after the time limit', async () => {
    const caller = new AbortController();
    const working = database.transaction((session) => session.query('select pg_sleep(3000)'), caller.signal);
    const running = "select pid from pg_stat_activity where query like 'select pg_sleep%' and state = 'active'";
    const isRunning = async () => (await server.admin(running)).length > 0;
    await eventually(async () => (await isRunning()) || undefined, 'a statement that runs');
    caller.abort();
    await expect(working).rejects.toThrow(/terminated|aborted|closed/i);
    await eventually(async () => (await isRunning()) === false || undefined, 'a server at rest');
    await answers();
  });

  it('outlives a connection that is lost between two statements of a transaction', async () => {
    const acted = database.transaction(async (session) => {
      const [row] = await session.query('select pg_backend_pid() as pid');
      await server.admin('select pg_terminate_backend($1::int)', 'postgres', [row?.['pid']]);
      const gone = 'select 1 from pg_stat_activity where pid = $1::int';
      const isGone = async () => (await server.admin(gone, 'postgres', [row?.['pid']])).length === 0 || undefined;
      await eventually(isGone, 'the end of the connection');
      return session.query('select 1');
    });
    await expect(acted).rejects.toThrow(/terminat|closed|not queryable/i);
    await expect(answers()).resolves.toEqual([{ one: 1 }]);
  });

  it('has at most four connections, each with limits on what it does', async () => {
    const limits = database.transaction((session) =>
      session.query(`select name, setting from pg_settings where name in
        ('statement_timeout', 'idle_in_transaction_session_timeout', 'client_connection_check_interval') order by name`),
    );
    await expect(limits).resolves.toEqual([
      { name: 'client_connection_check_interval', setting: '1000' },
      { name: 'idle_in_transaction_session_timeout', setting: '60000' },
      { name: 'statement_timeout', setting: '60000' },
    ]);
    await Promise.all(Array.from({ length: 20 }, () => database.query('select pg_sleep(0.01)')));
    const [counted] = await server.admin(
      "select count(*)::integer as n from pg_stat_activity where application_name = 'writ-memory'",
    );
    expect(counted).toEqual({ n: 4 });
  });

  it.each([
    ['was started again', 'SIGINT'],
    ['crashed and was started again', 'SIGQUIT'],
  ] as const)('goes on with a server that %s', async (_case, signal) => {
    await Promise.all([1, 2, 3].map(() => database.query('select pg_sleep(0.01)')));
    await server.stop(signal);
    await expect(database.transaction((session) => session.query('select 1'))).rejects.toThrow();
    await server.run();
    await expect(answers()).resolves.toEqual([{ one: 1 }]);
    await expect(database.transaction((session) => session.query('select 1 as one'))).resolves.toEqual([{ one: 1 }]);
  });
});

describeIfAvailable('PostgresDatabase on a PostgreSQL server with TLS', () => {
  it('reaches the server whose certificate is for it, and no other', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'writ-pg-tls-'));
    // Without openssl 3 there is nothing to try.
    if (!makeCertificates(directory)) return;
    await using server = await Postgresql.start({ certificates: directory });
    const url = (ca: string) => server.url({ parameters: `sslmode=verify-full&sslrootcert=${join(directory, ca)}` });
    const database = await PostgresDatabase.open(url('ca.pem'));
    await expect(database.query('select ssl, version from pg_stat_ssl where pid = pg_backend_pid()')).resolves.toEqual([
      { ssl: true, version: 'TLSv1.3' },
    ]);
    await database.close();
    await expect(PostgresDatabase.open(url('other-ca.pem'))).rejects.toMatchObject({ code: 'EXECUTOR_STORE_FAILED' });
    await rm(directory, { recursive: true, force: true });
  });
});
