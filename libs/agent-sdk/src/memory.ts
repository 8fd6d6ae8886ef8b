import type { JsonObject, Predicate, RequestKind } from '#writ/contracts';
import type { CallOptions } from './call-options.js';
import type { Completed } from './read-answer.js';

/**
 * What to look for: text, a vector of the namespace's dimension, or ids; how many records at most; and the agent's own filter, which
 * can only take away from what policy shows. `search` says by what records are compared: the vector (that of the text, unless one is
 * given), the words of the text, or both. Text with a vector is a hybrid search.
 */
export type MemoryQuery = (
  | { readonly text: string; readonly search?: 'vector' | 'text' | 'hybrid' }
  | { readonly text: string; readonly vector: readonly number[]; readonly search?: 'hybrid' }
  | { readonly vector: readonly number[]; readonly search?: 'vector' }
  | { readonly ids: readonly string[] }
) & {
  readonly k?: number;
  readonly where?: Predicate;
};

export interface MemoryRecord {
  /** Made by the executor when absent. */
  readonly id?: string;
  readonly text: string;
  readonly labels?: readonly string[];
  readonly data?: JsonObject;
  /** Where the text comes from, in the agent's words. */
  readonly source?: string;
}

type Send = (operation: RequestKind, body: JsonObject, options: CallOptions) => Promise<Completed>;

/** One memory namespace. Records that policy hides are not found, and are not there for this agent. */
export class Memory {
  constructor(private readonly send: Send) {}

  async query(query: MemoryQuery, options: CallOptions = {}): Promise<Completed> {
    return this.send('memory.query', query as unknown as JsonObject, options);
  }

  /** The records of these ids, of every owner, that policy shows, by id. It is a query, and permitted as one. */
  async get(ids: readonly string[], options: CallOptions = {}): Promise<Completed> {
    return this.query({ ids }, options);
  }

  async write(records: readonly MemoryRecord[], options: CallOptions = {}): Promise<Completed> {
    return this.send('memory.write', { records: records as unknown as readonly JsonObject[] }, options);
  }

  /** Deletes the records of these ids, of every owner, that policy and `where` let through. */
  async delete(
    ids: readonly string[],
    { where, ...options }: CallOptions & { readonly where?: Predicate } = {},
  ): Promise<Completed> {
    const body = { ids, ...(where === undefined ? {} : { where }) };
    return this.send('memory.delete', body as unknown as JsonObject, options);
  }
}
