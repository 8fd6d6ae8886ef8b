import { Pool } from 'pg';
import { Fault } from '#writ/faults';
import type { SqlDatabase, SqlRow, SqlSession, SqlValue } from './sql-database.js';

const SERVER_VERSION_MIN = 150_000;
const CONNECTIONS_MAX = 4;
const CONNECT_TIMEOUT_MS = 10_000;
/** Longer than any command may take; it ends a statement whose connection was lost. */
const STATEMENT_TIMEOUT_MS = 60_000;

/** A PostgreSQL server with pgvector, by URL. */
export class PostgresDatabase implements SqlDatabase {
  private constructor(private readonly pool: Pool) {}

  /** Throws CONFIG_INVALID when the server is too old or has no pgvector, EXECUTOR_STORE_FAILED when it does not answer. */
  static async open(url: string): Promise<PostgresDatabase> {
    const pool = new Pool({
      connectionString: url,
      max: CONNECTIONS_MAX,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      statement_timeout: STATEMENT_TIMEOUT_MS,
      query_timeout: STATEMENT_TIMEOUT_MS,
      application_name: 'writ-memory',
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
    const [server] = await this.query('select current_setting($1)::integer as version', ['server_version_num']);
    if (Number(server?.['version']) < SERVER_VERSION_MIN) {
      throw new Fault('CONFIG_INVALID', 'the PostgreSQL server is older than version 15');
    }
    const pgvector = await this.query('select 1 from pg_available_extensions where name = $1', ['vector']);
    if (pgvector.length === 0)
      throw new Fault('CONFIG_INVALID', 'the PostgreSQL server does not have the extension `vector`');
  }
}
