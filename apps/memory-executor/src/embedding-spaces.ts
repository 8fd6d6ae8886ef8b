import { Fault } from '#writ/faults';
import type { MemoryScope } from './memory-store.js';
import type { SqlSession } from './sql-database.js';

/** What the vectors of a store are made by. */
export interface EmbeddingSpace {
  readonly id: string;
  readonly dimensions: number;
}

/** Keeps vectors of two embedders apart: each namespace has on record which one its records are of. */
export class EmbeddingSpaces {
  /** Namespaces that are known to hold vectors of this embedder. What is registered never changes. */
  readonly #checked = new Set<string>();

  constructor(private readonly space: EmbeddingSpace) {}

  /** Puts on record that the namespace is of this embedder, unless it is of one already. Throws EXECUTOR_DIMENSION_MISMATCH. */
  async register(session: SqlSession, scope: MemoryScope): Promise<void> {
    if (this.#checked.has(keyOf(scope))) return;
    await session.query(
      `insert into writ_memory_namespace (tenant, namespace, embedder, dimensions) values ($1, $2, $3, $4)
       on conflict do nothing`,
      [scope.tenant, scope.namespace, this.space.id, this.space.dimensions],
    );
    await this.check(session, scope, { remembers: false });
  }

  /**
   * Throws EXECUTOR_DIMENSION_MISMATCH when the namespace is of another embedder. One that nobody wrote to is not registered, and
   * nothing is in it. In a write the registration may still be rolled back, so only what a later transaction reads is remembered.
   */
  async check(session: SqlSession, scope: MemoryScope, { remembers } = { remembers: true }): Promise<void> {
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
    if (remembers) this.#checked.add(keyOf(scope));
  }
}

function keyOf({ tenant, namespace }: MemoryScope): string {
  return `${tenant}/${namespace}`;
}
