import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Pool } from 'pg';
import { PgliteDatabase } from '../../../apps/memory-executor/src/pglite-database.js';
import { PostgresDatabase } from '../../../apps/memory-executor/src/postgres-database.js';
import type { SqlDatabase } from '../../../apps/memory-executor/src/sql-database.js';
import { findPostgresql, Postgresql } from '../../harness/postgresql.js';
import { cpuMicros } from '../cpu.js';
import type { Bare } from './floor.js';

/** A store under measurement. */
export interface OpenStore {
  readonly name: string;
  /** As Writ reaches it. */
  readonly database: SqlDatabase;
  readonly bare: Bare;
  /** Of this process and of the server, so far. */
  readonly cpuMicros: () => Promise<number>;
  /** Does what a server does by itself after a while, when it has many new records. */
  readonly settle: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** The stores that there are on this machine, neither of which waits for a disk: PGlite never does, the server is told not to. */
export function openStores(say: (text: string) => void): readonly (() => Promise<OpenStore>)[] {
  if (findPostgresql() !== undefined) return [openPglite, openServer];
  say('without a PostgreSQL server: `bash test/harness/fetch-postgresql.sh` brings one');
  return [openPglite];
}

const ownMicros = (): number => {
  const { user, system } = process.cpuUsage();
  return user + system;
};

async function openPglite(): Promise<OpenStore> {
  const directory = await mkdtemp(join(tmpdir(), 'writ-bench-memory-'));
  const database = await PgliteDatabase.open(directory);
  return {
    name: 'PGlite',
    database,
    bare: (text, params) => database.query(text, params),
    cpuMicros: async () => ownMicros(),
    settle: async () => undefined,
    close: async () => {
      await database.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function openServer(): Promise<OpenStore> {
  const server = await Postgresql.start();
  const database = await PostgresDatabase.open(server.url());
  const superuser = new Pool({ connectionString: server.url({ role: 'postgres' }), max: 1 });
  const bare: Bare = async (text, params) => (await superuser.query<object>(text, [...params])).rows;
  const backends = async (): Promise<readonly number[]> => {
    const rows = await superuser.query<{ pid: number }>(
      "select pid from pg_stat_activity where backend_type in ('client backend', 'parallel worker')",
    );
    return rows.rows.map(({ pid }) => pid);
  };
  return {
    name: 'PostgreSQL',
    database,
    bare,
    cpuMicros: async () => (await backends()).reduce((sum, pid) => sum + cpuMicros(pid), ownMicros()),
    settle: async () => {
      await bare('vacuum analyze writ_memory_record', []);
    },
    close: async () => {
      await superuser.end();
      await database.close();
      await server[Symbol.asyncDispose]();
    },
  };
}
