import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { findPostgresql, Postgresql } from '../../../test/harness/postgresql.js';
import { PgliteDatabase } from './pglite-database.js';
import { defaultTemplate, ensureTemplate, makeCluster, PGLITE_EXTENSIONS } from './pglite-template.js';
import { serveWire } from './pglite-wire.fixture.js';
import { PostgresDatabase } from './postgres-database.js';
import type { SqlDatabase, SqlRow, SqlSession, SqlValue } from './sql-database.js';

/** A database of a test, and two ways into it. */
export interface TestDatabase {
  /** As Writ has it. */
  readonly database: SqlDatabase;
  /** As a superuser has it, whom row-level security does not bind. */
  readonly admin: (text: string, params?: readonly SqlValue[]) => Promise<readonly SqlRow[]>;
  /** Ends both, and whatever serves them. */
  readonly close: () => Promise<void>;
}

interface Backend {
  readonly name: string;
  readonly isAvailable: boolean;
  readonly open: () => Promise<TestDatabase>;
}

const PGLITE: Backend = { name: 'PGlite', isAvailable: true, open: openPglite };
/** `test/harness/fetch-postgresql.sh` brings it; without it these tests are shown as skipped. */
const SERVER: Backend = { name: 'a PostgreSQL server', isAvailable: findPostgresql() !== undefined, open: openServer };
/** The two stores that there are. */
export const STORES: readonly Backend[] = [PGLITE, SERVER];
/** And the adapter for servers on a PGlite, so that it is tried everywhere. */
export const BACKENDS: readonly Backend[] = [
  PGLITE,
  { name: 'the PostgreSQL protocol', isAvailable: true, open: openOverWire },
  SERVER,
];

/** A fresh directory with a cluster of PGlite in it, and what removes it. */
async function newCluster(): Promise<{ readonly cluster: string; readonly remove: () => Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), 'writ-memory-'));
  const template = defaultTemplate();
  if (template !== undefined) await ensureTemplate(template);
  await makeCluster(join(directory, 'cluster'), template);
  return { cluster: join(directory, 'cluster'), remove: () => rm(directory, { recursive: true, force: true }) };
}

async function openPglite(): Promise<TestDatabase> {
  const { cluster, remove } = await newCluster();
  const database = await PgliteDatabase.open(join(cluster, '..'));
  await database.query("set track_functions = 'all'");
  const close = async (): Promise<void> => {
    await database.close();
    await remove();
  };
  return { database, admin: (text, params) => database.query(text, params), close };
}

async function openOverWire(): Promise<TestDatabase> {
  const { cluster, remove } = await newCluster();
  const pglite = await PGlite.create({ dataDir: cluster, extensions: PGLITE_EXTENSIONS });
  // Whoever connects is the user of the one session that there is.
  await pglite.exec(`
    create role writ login nosuperuser nobypassrls;
    grant create on schema public to writ;
    set track_functions = 'all';
    set session authorization writ`);
  const server = await serveWire(pglite);
  const database = await PostgresDatabase.open(server.url);
  const admin: TestDatabase['admin'] = (text, params = []) =>
    pglite.transaction(async (transaction) => {
      await transaction.exec('set local session authorization postgres');
      return (await transaction.query<SqlRow>(text, [...params])).rows;
    });
  const close = async (): Promise<void> => {
    await database.close();
    await server.close();
    await pglite.close();
    await remove();
  };
  return { database, admin, close };
}

async function openServer(): Promise<TestDatabase> {
  const server = await Postgresql.start();
  const database = await PostgresDatabase.open(server.url());
  const close = async (): Promise<void> => {
    await database.close();
    await server[Symbol.asyncDispose]();
  };
  const admin: TestDatabase['admin'] = async (text, params) => (await server.admin(text, 'writ', params)) as SqlRow[];
  return { database, admin, close };
}

/** A database whose transactions tell how many distances they computed, by the server's own count. */
export class CountingDatabase implements SqlDatabase {
  distances = 0;

  constructor(private readonly database: SqlDatabase) {}

  query(text: string, params?: readonly SqlValue[]): Promise<readonly SqlRow[]> {
    return this.database.query(text, params);
  }

  transaction<T>(act: (session: SqlSession) => Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.database.transaction(async (session) => {
      const before = await distancesIn(session);
      const result = await act(session);
      this.distances += (await distancesIn(session)) - before;
      return result;
    }, signal);
  }

  close(): Promise<void> {
    return this.database.close();
  }
}

/** Of this connection, since its counts were last given away, which no transaction does halfway. */
async function distancesIn(session: SqlSession): Promise<number> {
  const [counted] = await session.query(
    "select coalesce(sum(calls), 0)::integer as calls from pg_stat_xact_user_functions where funcname = 'cosine_distance'",
  );
  return Number(counted?.['calls']);
}
