import type { JsonObject, Predicate } from '#writ/contracts';
import type { Vector } from './embedder.js';

/** What the configuration bounds in a namespace. */
export interface NamespaceLimits {
  /** A record that was written longer ago is not there any more, for anybody. */
  readonly ttlSeconds?: number | undefined;
  /** How many records one owner may have, expired ones left out. */
  readonly recordsPerAgentMax?: number | undefined;
}

/** Where records live, and how many and how long. Nothing crosses from one scope to another. */
export interface MemoryScope extends NamespaceLimits {
  readonly tenant: string;
  readonly namespace: string;
}

export interface MemoryRecord {
  readonly id: string;
  readonly owner: string;
  readonly labels: readonly string[];
  readonly text: string;
  readonly data: JsonObject;
  /** Where the text comes from, in the words of its owner. */
  readonly source?: string | undefined;
}

/** A record with its origin: the call that wrote it, and when the store took it (RFC 3339, UTC). */
export interface StoredRecord extends MemoryRecord {
  readonly call: string;
  readonly writtenAt: string;
}

/** A record that matched; `score` is what the search compares by, rounded to six decimals: more is better, in one answer. */
export interface ScoredRecord extends StoredRecord {
  readonly score: number;
}

export interface WriteRequest {
  readonly records: readonly (MemoryRecord & { readonly vector: Vector })[];
  /** The call that writes, kept with the records as their origin. */
  readonly call: string;
  /** A record of the same owner and id is replaced when it satisfies this; else nothing is written. */
  readonly filter: Predicate;
}

/** What records are compared with: a vector, the words of a text, or both, of which one must be there. */
export interface QueryRequest {
  readonly vector?: Vector | undefined;
  readonly text?: string | undefined;
  readonly k: number;
  readonly filter: Predicate;
}

export interface GetRequest {
  readonly ids: readonly string[];
  readonly k: number;
  readonly filter: Predicate;
}

export interface DeleteRequest {
  readonly ids: readonly string[];
  readonly filter: Predicate;
}

/**
 * Memory records with vectors. An id is unique for its owner: two owners may have a record of one id, and neither learns of the other's
 * by writing. Records that a filter excludes have no influence on what a caller sees: not on the results,
 * their order or scores, nor on an error. Throws EXECUTOR_* faults; a failed or aborted write or delete changed nothing.
 */
export interface MemoryStore {
  write(scope: MemoryScope, request: WriteRequest, signal: AbortSignal): Promise<void>;
  query(scope: MemoryScope, request: QueryRequest, signal: AbortSignal): Promise<readonly ScoredRecord[]>;
  /** The records of these ids, of every owner, by id and then by owner; at most `k`. No distance is computed. */
  get(scope: MemoryScope, request: GetRequest, signal: AbortSignal): Promise<readonly StoredRecord[]>;
  /** How many records were deleted. One that is absent and one that the filter excludes are the same: not counted. */
  delete(scope: MemoryScope, request: DeleteRequest, signal: AbortSignal): Promise<number>;
  /** Deletes records that have expired, at most so many, and tells how many. */
  deleteExpired(scope: MemoryScope, recordsMax: number, signal: AbortSignal): Promise<number>;
  close(): Promise<void>;
}
