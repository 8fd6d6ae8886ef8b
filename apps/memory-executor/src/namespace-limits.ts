import type { Predicate } from '#writ/contracts';
import { Fault } from '#writ/faults';
import type { MemoryScope, WriteRequest } from './memory-store.js';
import { toSql } from './predicate-sql.js';
import type { SqlSession, SqlText } from './sql-database.js';

/**
 * Whether a record of the table alias `m` has outlived its namespace's time, by the clock of the database, which also says when a record
 * was written. `firstParam` is the number of its first parameter.
 */
export function expiredAt({ ttlSeconds }: MemoryScope, firstParam: number): SqlText {
  if (ttlSeconds === undefined) return { text: 'false', params: [] };
  return { text: `(m.written_at <= now() - make_interval(secs => $${firstParam}::float8))`, params: [ttlSeconds] };
}

/** Which records of the alias `m` there are for whoever comes with that filter: those that it lets through and that have not expired. */
export function conditionOf(scope: MemoryScope, filter: Predicate, firstParam: number): SqlText {
  const expired = expiredAt(scope, firstParam);
  const passed = toSql(filter, firstParam + expired.params.length);
  return { text: `(not ${expired.text}) and ${passed.text}`, params: [...expired.params, ...passed.params] };
}

/** Lets one write of an owner be counted at a time, until its transaction ends: two at once would both find room for the last record. */
export async function lockQuota(session: SqlSession, scope: MemoryScope, request: WriteRequest): Promise<void> {
  if (scope.recordsPerAgentMax === undefined) return;
  for (const owner of ownersOf(request)) {
    await session.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [
      `${scope.tenant}/${scope.namespace}/${owner}`,
    ]);
  }
}

/**
 * Throws EXECUTOR_QUOTA_EXCEEDED when an owner has more records in the namespace than it may, which undoes the write. It counts the
 * owner's alone: were it those of all, an agent could tell by its writes how many there are that it may not see.
 */
export async function assertQuota(session: SqlSession, scope: MemoryScope, request: WriteRequest): Promise<void> {
  const { tenant, namespace, recordsPerAgentMax } = scope;
  if (recordsPerAgentMax === undefined) return;
  const expired = expiredAt(scope, 4);
  for (const owner of ownersOf(request)) {
    const [counted] = await session.query(
      `select count(*)::integer as n from writ_memory_record m
       where m.tenant = $1 and m.namespace = $2 and m.owner = $3 and not ${expired.text}`,
      [tenant, namespace, owner, ...expired.params],
    );
    if (Number(counted?.['n']) > recordsPerAgentMax) {
      throw new Fault(
        'EXECUTOR_QUOTA_EXCEEDED',
        `an agent may have ${recordsPerAgentMax} records in \`${namespace}\`; delete some first`,
      );
    }
  }
}

/** In one order, so that two writes never wait for each other. */
function ownersOf({ records }: WriteRequest): readonly string[] {
  return [...new Set(records.map(({ owner }) => owner))].toSorted();
}
