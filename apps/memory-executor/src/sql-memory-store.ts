import type { JsonObject } from '#writ/contracts';
import { Fault } from '#writ/faults';
import type { Vector } from './embedder.js';
import { MEMORY_ROLE, migrate } from './memory-schema.js';
import type {
  DeleteRequest,
  MemoryScope,
  MemoryStore,
  QueryRequest,
  ScoredRecord,
  WriteRequest,
} from './memory-store.js';
import { toSql } from './predicate-sql.js';
import type { SqlDatabase, SqlRow, SqlSession, SqlValue } from './sql-database.js';

/** What the vectors of a store are made by. */
export interface EmbeddingSpace {
  readonly id: string;
  readonly dimensions: number;
}

const RECORD_COLUMNS = 8;

/** The memory store on PostgreSQL: the same SQL on a server and on the embedded one. */
export class SqlMemoryStore implements MemoryStore {
  /** Namespaces that are known to hold vectors of this embedder. What is registered never changes. */
  readonly #checked = new Set<string>();

  private constructor(
    private readonly database: SqlDatabase,
    private readonly space: EmbeddingSpace,
    private readonly assumesRole: boolean,
  ) {}

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
      await this.#registerNamespace(session, scope);
      const { text, params } = this.#insertStatement(scope, request);
      const written = await session.query(text, params);
      // Whose record has the id, and whether the filter or the owner kept it, is not told. Throwing undoes the whole write.
      if (written.length < ids.size)
        throw new Fault('EXECUTOR_FAILED', 'the records cannot be written under these ids');
    });
  }

  async query(scope: MemoryScope, request: QueryRequest, signal: AbortSignal): Promise<readonly ScoredRecord[]> {
    const vector = this.#vectorText(request.vector);
    const filter = toSql(request.filter, 5);
    // The filter stands in the WHERE of the statement that scores, so the distance of an excluded record is never computed.
    // "+ 0" keeps an approximate index out, should somebody make one: its graph would span records that are excluded.
    const statement = `select m.id, m.owner, m.labels, m.doc::text as doc, (m.embedding <=> $3::vector) + 0 as distance
      from writ_memory_record m where m.tenant = $1 and m.namespace = $2 and ${filter.text}
      order by distance, m.id limit $4::int`;
    const rows = await this.#inScope(scope, signal, async (session) => {
      await this.#checkNamespace(session, scope);
      return session.query(statement, [scope.tenant, scope.namespace, vector, request.k, ...filter.params]);
    });
    return rows.map(toScoredRecord);
  }

  async delete(scope: MemoryScope, { ids, filter }: DeleteRequest, signal: AbortSignal): Promise<number> {
    const condition = toSql(filter, 4);
    const statement = `delete from writ_memory_record m
      where m.tenant = $1 and m.namespace = $2 and m.id = any ($3::text[]) and ${condition.text} returning m.id`;
    const deleted = await this.#inScope(scope, signal, (session) =>
      session.query(statement, [scope.tenant, scope.namespace, ids, ...condition.params]),
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

  async #registerNamespace(session: SqlSession, scope: MemoryScope): Promise<void> {
    if (this.#checked.has(keyOf(scope))) return;
    await session.query(
      `insert into writ_memory_namespace (tenant, namespace, embedder, dimensions) values ($1, $2, $3, $4)
       on conflict do nothing`,
      [scope.tenant, scope.namespace, this.space.id, this.space.dimensions],
    );
    await this.#checkNamespace(session, scope, { remembers: false });
  }

  /** A namespace that nobody wrote to is not registered, and nothing is in it. */
  async #checkNamespace(session: SqlSession, scope: MemoryScope, { remembers } = { remembers: true }): Promise<void> {
    if (this.#checked.has(keyOf(scope))) return;
    const [row] = await session.query(
      'select embedder, dimensions from writ_memory_namespace where tenant = $1 and namespace = $2',
      [scope.tenant, scope.namespace],
    );
    if (row === undefined) return;
    if (row['embedder'] !== this.space.id || row['dimensions'] !== this.space.dimensions) {
      throw new Fault(
        'EXECUTOR_DIMENSION_MISMATCH',
        `the namespace \`${scope.namespace}\` was written with another embedder than \`${this.space.id}\``,
      );
    }
    // In a write the registration may still be rolled back, so only what a later transaction reads is remembered.
    if (remembers) this.#checked.add(keyOf(scope));
  }

  #insertStatement(scope: MemoryScope, request: WriteRequest): { text: string; params: SqlValue[] } {
    const params: SqlValue[] = [];
    const rows = request.records.map((record) => {
      const doc = JSON.stringify({ text: record.text, data: record.data });
      const vector = this.#vectorText(record.vector);
      const values = [scope.tenant, scope.namespace, record.id, record.owner, [...new Set(record.labels)], doc, vector];
      params.push(...values, request.call);
      const p = (column: number) => `$${params.length - RECORD_COLUMNS + column}`;
      return `(${p(1)}, ${p(2)}, ${p(3)}, ${p(4)}, ${p(5)}::text[], ${p(6)}::json, ${p(7)}::vector, ${p(8)})`;
    });
    const filter = toSql(request.filter, params.length + 1);
    const text = `insert into writ_memory_record as m (tenant, namespace, id, owner, labels, doc, embedding, call)
      values ${rows.join(', ')}
      on conflict (tenant, namespace, id) do update
        set labels = excluded.labels, doc = excluded.doc, embedding = excluded.embedding, call = excluded.call, written_at = now()
        where m.owner = excluded.owner and ${filter.text}
      returning m.id`;
    return { text, params: [...params, ...filter.params] };
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

function keyOf({ tenant, namespace }: MemoryScope): string {
  return `${tenant}/${namespace}`;
}

/** The columns are those that `query` selects, and NOT NULL by the schema. */
function toScoredRecord(row: SqlRow): ScoredRecord {
  const doc = JSON.parse(row['doc'] as string) as { readonly text: string; readonly data: JsonObject };
  // Adding zero turns minus zero into zero.
  const score = Math.round((1 - (row['distance'] as number)) * 1e6) / 1e6 + 0;
  return {
    id: row['id'] as string,
    owner: row['owner'] as string,
    labels: row['labels'] as string[],
    text: doc.text,
    data: doc.data,
    score,
  };
}
