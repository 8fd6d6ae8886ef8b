import { Fault } from '#writ/faults';
import type { Vector } from './embedder.js';
import { type EmbeddingSpace, EmbeddingSpaces } from './embedding-spaces.js';
import { MEMORY_ROLE, migrate } from './memory-schema.js';
import type {
  DeleteRequest,
  GetRequest,
  MemoryScope,
  MemoryStore,
  QueryRequest,
  ScoredRecord,
  StoredRecord,
  WriteRequest,
} from './memory-store.js';
import { assertQuota, conditionOf, expiredAt, lockQuota } from './namespace-limits.js';
import { toTsquery, toTsvector } from './lexemes.js';
import { toSql } from './predicate-sql.js';
import { searchStatement } from './search-sql.js';
import type { SqlDatabase, SqlRow, SqlSession, SqlValue } from './sql-database.js';

const RECORD_COLUMNS = 9;
/** What is read of a record. Text and data stand in one column; see the schema. */
const READ_COLUMNS = `m.id, m.owner, m.labels, m.doc::text as doc, m.call,
  to_char(m.written_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as written_at`;

/** The memory store on PostgreSQL: the same SQL on a server and on the embedded one. */
export class SqlMemoryStore implements MemoryStore {
  readonly #spaces: EmbeddingSpaces;

  private constructor(
    private readonly database: SqlDatabase,
    private readonly space: EmbeddingSpace,
    private readonly assumesRole: boolean,
  ) {
    this.#spaces = new EmbeddingSpaces(space);
  }

  /** Brings the schema up to date and returns the store, which closes the database when it is closed. */
  static async open(database: SqlDatabase, space: EmbeddingSpace): Promise<SqlMemoryStore> {
    const { assumesRole } = await migrate(database);
    return new SqlMemoryStore(database, space, assumesRole);
  }

  async write(scope: MemoryScope, request: WriteRequest, signal: AbortSignal): Promise<void> {
    const ids = new Set(request.records.map((record) => record.id));
    if (ids.size < request.records.length)
      throw new Fault('EXECUTOR_FAILED', 'two records of one write have the same id');
    await this.#inScope(scope, signal, async (session) => {
      await this.#spaces.register(session, scope);
      await lockQuota(session, scope, request);
      const { text, params } = this.#insertStatement(scope, request);
      const written = await session.query(text, params);
      // Ids are the owner's, so nothing of another owner leads here. Throwing undoes the whole write.
      if (written.length < ids.size)
        throw new Fault('EXECUTOR_FAILED', 'the records cannot be written under these ids');
      await assertQuota(session, scope, request);
    });
  }

  async query(scope: MemoryScope, request: QueryRequest, signal: AbortSignal): Promise<readonly ScoredRecord[]> {
    const vector = request.vector === undefined ? undefined : this.#vectorText(request.vector);
    const words = request.text === undefined ? undefined : toTsquery(request.text);
    const found = searchStatement(scope, request, { vector, words });
    const statement = `select ${READ_COLUMNS}, found.score from (${found.text}) found
      join writ_memory_record m on m.tenant = $1 and m.namespace = $2 and m.owner = found.owner and m.id = found.id
      order by found.score desc, m.id, m.owner`;
    const rows = await this.#inScope(scope, signal, async (session) => {
      if (vector !== undefined) await this.#spaces.check(session, scope);
      return session.query(statement, found.params);
    });
    return rows.map(toScoredRecord);
  }

  async get(scope: MemoryScope, { ids, k, filter }: GetRequest, signal: AbortSignal): Promise<readonly StoredRecord[]> {
    const condition = conditionOf(scope, filter, 5);
    const statement = `select ${READ_COLUMNS} from writ_memory_record m
      where m.tenant = $1 and m.namespace = $2 and m.id = any ($3::text[]) and ${condition.text}
      order by m.id, m.owner limit $4::int`;
    const rows = await this.#inScope(scope, signal, (session) =>
      session.query(statement, [scope.tenant, scope.namespace, ids, k, ...condition.params]),
    );
    return rows.map(toStoredRecord);
  }

  async delete(scope: MemoryScope, { ids, filter }: DeleteRequest, signal: AbortSignal): Promise<number> {
    const condition = conditionOf(scope, filter, 4);
    const statement = `delete from writ_memory_record m
      where m.tenant = $1 and m.namespace = $2 and m.id = any ($3::text[]) and ${condition.text} returning m.id`;
    const deleted = await this.#inScope(scope, signal, (session) =>
      session.query(statement, [scope.tenant, scope.namespace, ids, ...condition.params]),
    );
    return deleted.length;
  }

  async deleteExpired(scope: MemoryScope, recordsMax: number, signal: AbortSignal): Promise<number> {
    const expired = expiredAt(scope, 4);
    const statement = `delete from writ_memory_record d using (
        select m.owner, m.id from writ_memory_record m where m.tenant = $1 and m.namespace = $2 and ${expired.text} limit $3::int) e
      where d.tenant = $1 and d.namespace = $2 and d.owner = e.owner and d.id = e.id returning d.id`;
    const deleted = await this.#inScope(scope, signal, (session) =>
      session.query(statement, [scope.tenant, scope.namespace, recordsMax, ...expired.params]),
    );
    return deleted.length;
  }

  async close(): Promise<void> {
    await this.database.close();
  }

  /** Runs statements that row-level security confines to one namespace: the wall behind the conditions of the statements. */
  async #inScope<T>(scope: MemoryScope, signal: AbortSignal, act: (session: SqlSession) => Promise<T>): Promise<T> {
    const role = this.assumesRole ? `, set_config('role', '${MEMORY_ROLE}', true)` : '';
    const enter = `select set_config('writ.tenant', $1, true), set_config('writ.namespace', $2, true)${role}`;
    try {
      return await this.database.transaction(async (session) => {
        await session.query(enter, [scope.tenant, scope.namespace]);
        return act(session);
      }, signal);
    } catch (error) {
      if (error instanceof Fault) throw error;
      if (signal.aborted) throw new Fault('EXECUTOR_TIMEOUT', 'the memory operation was stopped', { cause: error });
      // The database's own words may quote what a caller must not see; they go to the log only.
      throw new Fault('EXECUTOR_STORE_FAILED', 'the memory store failed', { cause: error });
    }
  }

  #insertStatement(scope: MemoryScope, request: WriteRequest): { text: string; params: SqlValue[] } {
    const params: SqlValue[] = [];
    const rows = request.records.map((record) => {
      const doc = JSON.stringify({ text: record.text, data: record.data, source: record.source });
      const vector = this.#vectorText(record.vector);
      const values = [scope.tenant, scope.namespace, record.id, record.owner, [...new Set(record.labels)], doc, vector];
      params.push(...values, request.call, toTsvector(record.text));
      const p = (column: number) => `$${params.length - RECORD_COLUMNS + column}`;
      return `(${p(1)}, ${p(2)}, ${p(3)}, ${p(4)}, ${p(5)}::text[], ${p(6)}::json, ${p(7)}::vector, ${p(8)}, ${p(9)}::tsvector)`;
    });
    const expired = expiredAt(scope, params.length + 1);
    const filter = toSql(request.filter, params.length + expired.params.length + 1);
    const text = `insert into writ_memory_record as m (tenant, namespace, id, owner, labels, doc, embedding, call, words)
      values ${rows.join(', ')}
      on conflict (tenant, namespace, owner, id) do update
        set labels = excluded.labels, doc = excluded.doc, embedding = excluded.embedding, call = excluded.call,
            words = excluded.words, written_at = now()
        where (${expired.text} or ${filter.text})
      returning m.id`;
    return { text, params: [...params, ...expired.params, ...filter.params] };
  }

  /** The vector as pgvector reads it, scaled to unit length in double precision, so that no element overflows a float4. */
  #vectorText(vector: Vector): string {
    if (vector.length !== this.space.dimensions) {
      throw new Fault(
        'EXECUTOR_DIMENSION_MISMATCH',
        `the vector has ${vector.length} dimensions; the namespace has ${this.space.dimensions}`,
      );
    }
    const values = Array.from(vector);
    const largest = values.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
    if (!(largest > 0 && largest < Infinity)) throw new Fault('EXECUTOR_FAILED', 'the vector has no direction');
    const scaled = values.map((value) => value / largest);
    const length = Math.hypot(...scaled);
    return `[${scaled.map((value) => Math.fround(value / length)).join(',')}]`;
  }
}

/** The columns are READ_COLUMNS, and NOT NULL by the schema. */
function toStoredRecord(row: SqlRow): StoredRecord {
  const doc = JSON.parse(row['doc'] as string) as Pick<StoredRecord, 'text' | 'data' | 'source'>;
  return {
    id: row['id'] as string,
    owner: row['owner'] as string,
    labels: row['labels'] as string[],
    text: doc.text,
    data: doc.data,
    ...(doc.source === undefined ? {} : { source: doc.source }),
    call: row['call'] as string,
    writtenAt: row['written_at'] as string,
  };
}

function toScoredRecord(row: SqlRow): ScoredRecord {
  // Adding zero turns minus zero into zero.
  const score = Math.round((row['score'] as number) * 1e6) / 1e6 + 0;
  return { ...toStoredRecord(row), score };
}
