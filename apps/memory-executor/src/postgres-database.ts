import { type ClientBase, Pool } from 'pg';
import { Fault } from '#writ/faults';
import type { SqlDatabase, SqlRow, SqlSession, SqlValue } from './sql-database.js';

const SERVER_VERSION_MIN = 150_000;
/** The oldest that the tests run on. What later ones repaired is in approximate indexes, and there are none here. */
const PGVECTOR_VERSION_MIN = [0, 8, 0] as const;
const CONNECTIONS_MAX = 4;
/** For a connection that is made, and for one of those that there are. */
const CONNECT_TIMEOUT_MS = 10_000;
/** Longer than any command may take. It also ends the transaction of an executor that stopped in the middle of it. */
const STATEMENT_TIMEOUT_MS = 60_000;
const CONNECTION_CHECK_MS = 1_000;

/**
 * A PostgreSQL server with pgvector, by URL. It has at most four connections; one that is lost is replaced by the next transaction, so
 * a server that was started again is used again without a restart of this process.
 */
export class PostgresDatabase implements SqlDatabase {
  private constructor(private readonly pool: Pool) {}

  /**
   * Throws CONFIG_DATABASE_UNFIT when the server or its pgvector is older than the floor or pgvector is not there, CONFIG_DATABASE_ROLE
   * when row-level security would not bind the role of the URL, and EXECUTOR_STORE_FAILED when the server cannot be reached.
   */
  static async open(url: string): Promise<PostgresDatabase> {
    const pool = new Pool({
      connectionString: url,
      max: CONNECTIONS_MAX,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      statement_timeout: STATEMENT_TIMEOUT_MS,
      query_timeout: STATEMENT_TIMEOUT_MS,
      idle_in_transaction_session_timeout: STATEMENT_TIMEOUT_MS,
      application_name: 'writ-memory',
      onConnect: prepareConnection,
    });
    // A connection that is lost while idle is replaced by the pool; without a listener the event would end the process.
    pool.on('error', () => undefined);
    const database = new PostgresDatabase(pool);
    try {
      await database.#assertUsable();
      return database;
    } catch (error) {
      await pool.end();
      if (error instanceof Fault) throw error;
      // The cause is not in the message: it may quote the URL, which holds a password.
      throw new Fault('EXECUTOR_STORE_FAILED', 'the PostgreSQL server cannot be reached', { cause: error });
    }
  }

  async query(text: string, params: readonly SqlValue[] = []): Promise<readonly SqlRow[]> {
    return (await this.pool.query<SqlRow>(text, [...params])).rows;
  }

  async transaction<T>(act: (session: SqlSession) => Promise<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    const client = await this.pool.connect();
    // Closing the connection stops what runs on it, and the server rolls back.
    const stop = (): void => void client.end();
    signal?.addEventListener('abort', stop, { once: true });
    try {
      await client.query('begin');
      const result = await act({
        query: async (text, params = []) => (await client.query<SqlRow>(text, [...params])).rows,
      });
      signal?.throwIfAborted();
      signal?.removeEventListener('abort', stop);
      await client.query('commit');
      client.release();
      return result;
    } catch (error) {
      signal?.removeEventListener('abort', stop);
      // A rollback that fails means a broken connection, which the pool must not keep.
      const isClean = await client.query('rollback').then(
        () => true,
        () => false,
      );
      client.release(!isClean);
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.pool.end();
  }

  async #assertUsable(): Promise<void> {
    const [found] = await this.query(
      `select current_setting('server_version_num')::integer as server,
         (select default_version from pg_available_extensions where name = 'vector') as offered,
         (select extversion from pg_extension where extname = 'vector') as pgvector,
         (select bool_or(rolsuper or rolbypassrls) from pg_roles where rolname in (current_user, session_user)) as "isUnbound"`,
    );
    assertFit({ server: Number(found?.['server']), offered: found?.['offered'], pgvector: found?.['pgvector'] });
    if (found?.['isUnbound'] !== false) {
      throw new Fault(
        'CONFIG_DATABASE_ROLE',
        'the role in `memory.postgresUrl` is a superuser or has BYPASSRLS; name one that row-level security binds',
      );
    }
  }
}

/** Versions as the server tells them; one is null when there is none. */
interface FoundVersions {
  readonly server: number;
  readonly offered: unknown;
  readonly pgvector: unknown;
}

/** Throws CONFIG_DATABASE_UNFIT. */
export function assertFit({ server, offered, pgvector }: FoundVersions): void {
  const unfit = (sentence: string): Fault => new Fault('CONFIG_DATABASE_UNFIT', sentence);
  if (!(server >= SERVER_VERSION_MIN)) throw unfit('the PostgreSQL server is older than version 15');
  if (typeof offered !== 'string') throw unfit('the PostgreSQL server does not have the extension `vector`');
  if (typeof pgvector !== 'string') {
    throw unfit('the extension `vector` is not in the database; a superuser runs `create extension vector` there');
  }
  if (!isAtLeast(pgvector, PGVECTOR_VERSION_MIN)) {
    throw unfit(`the extension \`vector\` has version ${pgvector}; the floor is ${PGVECTOR_VERSION_MIN.join('.')}`);
  }
}

function isAtLeast(version: string, floor: readonly number[]): boolean {
  const parts = version.split('.').map(Number);
  const at = floor.findIndex((least, index) => parts[index] !== least);
  return at < 0 || (parts[at] ?? 0) > (floor[at] ?? 0);
}

async function prepareConnection(client: ClientBase): Promise<void> {
  // A connection can be lost between two statements of a transaction. Without a listener that event would end the process; the next
  // statement fails anyway.
  client.on('error', () => undefined);
  // The server then ends the statement of a connection that was closed. Where it cannot (on Windows), the time limit does.
  await client.query(`set client_connection_check_interval = ${CONNECTION_CHECK_MS}`).catch(() => undefined);
}
