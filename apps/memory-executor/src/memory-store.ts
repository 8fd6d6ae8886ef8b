import type { JsonObject, Predicate } from '#writ/contracts';
import type { Vector } from './embedder.js';

/** Where records live. Nothing crosses from one scope to another. */
export interface MemoryScope {
  readonly tenant: string;
  readonly namespace: string;
}

export interface MemoryRecord {
  readonly id: string;
  readonly owner: string;
  readonly labels: readonly string[];
  readonly text: string;
  readonly data: JsonObject;
}

/** A record that matched; `score` is the cosine similarity, rounded to six decimals. */
export interface ScoredRecord extends MemoryRecord {
  readonly score: number;
}

export interface WriteRequest {
  readonly records: readonly (MemoryRecord & { readonly vector: Vector })[];
  /** The call that writes, kept with the records as their origin. */
  readonly call: string;
  /** A record that exists is replaced only when it belongs to the writer and satisfies this. */
  readonly filter: Predicate;
}

export interface QueryRequest {
  readonly vector: Vector;
  readonly k: number;
  readonly filter: Predicate;
}

export interface DeleteRequest {
  readonly ids: readonly string[];
  readonly filter: Predicate;
}

/**
 * Memory records with vectors. Records that a filter excludes have no influence on what a caller sees: not on the results,
 * their order or scores, nor on an error. Throws EXECUTOR_* faults; a failed or aborted write or delete changed nothing.
 */
export interface MemoryStore {
  write(scope: MemoryScope, request: WriteRequest, signal: AbortSignal): Promise<void>;
  query(scope: MemoryScope, request: QueryRequest, signal: AbortSignal): Promise<readonly ScoredRecord[]>;
  /** How many records were deleted. One that is absent and one that the filter excludes are the same: not counted. */
  delete(scope: MemoryScope, request: DeleteRequest, signal: AbortSignal): Promise<number>;
  close(): Promise<void>;
}
