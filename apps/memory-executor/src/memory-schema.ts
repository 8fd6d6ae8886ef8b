import { Fault } from '#writ/faults';
import { indexWords } from './index-words.js';
import type { SqlDatabase, SqlSession } from './sql-database.js';

/** The role that every statement about records runs as: row-level security binds it, even when the login user is a superuser. */
export const MEMORY_ROLE = 'writ_memory';

/** Step n brings a database from version n to n + 1. A step that was released is never changed. */
const MIGRATIONS: readonly (readonly (string | ((session: SqlSession) => Promise<void>))[])[] = [
  [
    `create table writ_memory_namespace (
       tenant text collate "C" not null,
       namespace text collate "C" not null,
       embedder text not null,
       dimensions integer not null,
       primary key (tenant, namespace))`,
    // The text and the data stand in one json column, because PostgreSQL text and jsonb cannot hold U+0000 and JSON can.
    `create table writ_memory_record (
       tenant text collate "C" not null,
       namespace text collate "C" not null,
       id text collate "C" not null,
       owner text collate "C" not null,
       labels text[] collate "C" not null check (array_position(labels, null) is null),
       doc json not null,
       embedding vector not null,
       call text not null,
       written_at timestamptz not null default now(),
       primary key (tenant, namespace, id),
       foreign key (tenant, namespace) references writ_memory_namespace)`,
    `alter table writ_memory_record enable row level security`,
    // The owner of the table is bound as well: in production the login user owns it.
    `alter table writ_memory_record force row level security`,
    // Unset settings are null or empty, and then no row is visible.
    `create policy writ_scope on writ_memory_record using (
       tenant = (select current_setting('writ.tenant', true))
       and namespace = (select current_setting('writ.namespace', true)))`,
  ],
  [
    // An id is its owner's: were it the namespace's, whoever writes under a guessed id would be told that it is taken.
    'alter table writ_memory_record drop constraint writ_memory_record_pkey',
    'alter table writ_memory_record add primary key (tenant, namespace, owner, id)',
    'create index writ_memory_record_by_id on writ_memory_record (tenant, namespace, id)',
  ],
  // There is no index on the words: like the distance, their worth is computed of the records that a filter lets through, and of no other.
  ["alter table writ_memory_record add column words tsvector not null default ''", indexWords],
];

const SCHEMA_VERSION = MIGRATIONS.length;
/** Any number that no other application in the database locks. */
const MIGRATION_LOCK = 7_274_118;

/** Brings the database to the schema of this version. Returns whether statements must run as MEMORY_ROLE to be bound by RLS. */
export async function migrate(database: SqlDatabase): Promise<{ readonly assumesRole: boolean }> {
  return database.transaction(async (session) => {
    // Two executors may start at the same time on one database.
    await session.query('select pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
    await session.query(
      'create table if not exists writ_memory_schema (version integer primary key, applied_at timestamptz not null default now())',
    );
    const version = await schemaVersion(session);
    if (version > SCHEMA_VERSION) {
      throw new Fault(
        'CONFIG_INVALID',
        `the memory store has schema version ${version}; this Writ knows ${SCHEMA_VERSION}`,
      );
    }
    for (const [step, statements] of MIGRATIONS.slice(version).entries()) {
      for (const statement of statements) {
        await (typeof statement === 'string' ? session.query(statement) : statement(session));
      }
      await session.query('insert into writ_memory_schema (version) values ($1)', [version + step + 1]);
    }
    return { assumesRole: await prepareRole(session) };
  });
}

async function schemaVersion(session: SqlSession): Promise<number> {
  const [row] = await session.query('select coalesce(max(version), 0) as version from writ_memory_schema');
  return Number(row?.['version'] ?? 0);
}

/** A login user that row-level security does not bind (always so in PGlite) takes a role that it does bind. */
async function prepareRole(session: SqlSession): Promise<boolean> {
  const [user] = await session.query(
    'select rolsuper or rolbypassrls as "isUnbound" from pg_roles where rolname = current_user',
  );
  if (user?.['isUnbound'] !== true) return false;
  const existing = await session.query('select 1 from pg_roles where rolname = $1', [MEMORY_ROLE]);
  if (existing.length === 0) await session.query(`create role ${MEMORY_ROLE} nologin nosuperuser nobypassrls`);
  await session.query(`grant select, insert on writ_memory_namespace to ${MEMORY_ROLE}`);
  await session.query(`grant select, insert, update, delete on writ_memory_record to ${MEMORY_ROLE}`);
  return true;
}
