import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { PGlite, type Transaction } from '@electric-sql/pglite';
import { Fault } from '#writ/faults';
import { takeLock } from './directory-lock.js';
import { defaultTemplate, makeCluster, PGLITE_EXTENSIONS } from './pglite-template.js';
import type { SqlDatabase, SqlRow, SqlSession, SqlValue } from './sql-database.js';

/**
 * PostgreSQL inside this process, in a directory. It has one connection, so transactions run one after the other, and a query
 * holds the thread: this process does nothing but memory, so there is nobody else to wait for it. PGlite keeps what was
 * acknowledged when the process is killed, but it does not sync to disk: a power loss may cost the last writes.
 */
export class PgliteDatabase implements SqlDatabase {
  private constructor(
    private readonly pglite: PGlite,
    private readonly releaseLock: () => void,
  ) {}

  /**
   * Opens the database in a directory of its own, making it when there is none. Two processes on one directory would destroy
   * it, and PGlite does not notice, hence the lock. Throws CONFIG_DATA_DIR, CONFIG_DATA_DIR_LOCKED and CONFIG_DATA_DIR_CORRUPT.
   */
  static async open(directory: string, template = defaultTemplate()): Promise<PgliteDatabase> {
    await mkdir(directory, { recursive: true, mode: 0o700 }).catch((cause: unknown) => {
      throw new Fault('CONFIG_DATA_DIR', `the directory \`${directory}\` cannot be made`, { cause });
    });
    const releaseLock = takeLock(join(directory, 'lock'));
    try {
      return new PgliteDatabase(await openCluster(join(directory, 'cluster'), template), releaseLock);
    } catch (error) {
      releaseLock();
      throw error;
    }
  }

  async query(text: string, params: readonly SqlValue[] = []): Promise<readonly SqlRow[]> {
    return (await this.pglite.query<SqlRow>(text, [...params])).rows;
  }

  async transaction<T>(act: (session: SqlSession) => Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.pglite.transaction(async (transaction) => {
      signal?.throwIfAborted();
      const result = await act(sessionOf(transaction));
      // Throwing rolls back: a call that was reported as stopped leaves nothing behind.
      signal?.throwIfAborted();
      return result;
    });
  }

  async close(): Promise<void> {
    if (!this.pglite.closed) await this.pglite.close();
    this.releaseLock();
  }
}

function sessionOf(transaction: Transaction): SqlSession {
  return { query: async (text, params = []) => (await transaction.query<SqlRow>(text, [...params])).rows };
}

async function openCluster(cluster: string, template: string | undefined): Promise<PGlite> {
  if (!existsSync(cluster)) {
    await makeCluster(cluster, template).catch((cause: unknown) => {
      throw new Fault('CONFIG_DATA_DIR', `no database can be made in \`${cluster}\``, { cause });
    });
  }
  // PGlite would make a new cluster over one without this file, and everything in it would be lost.
  if (!existsSync(join(cluster, 'PG_VERSION'))) throw corrupt(cluster);
  try {
    return await PGlite.create({ dataDir: cluster, extensions: PGLITE_EXTENSIONS });
  } catch (cause) {
    throw corrupt(cluster, cause);
  }
}

function corrupt(cluster: string, cause?: unknown): Fault {
  return new Fault('CONFIG_DATA_DIR_CORRUPT', `the database in \`${cluster}\` is damaged; restore it from a copy`, {
    cause,
  });
}
