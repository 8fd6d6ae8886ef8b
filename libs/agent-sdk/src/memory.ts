import type { JsonObject, RequestKind } from '#writ/contracts';
import type { CallOptions } from './call-options.js';
import type { Completed } from './read-answer.js';

/** What to look for: text, or a vector of the namespace's dimension; and how many records at most. */
export type MemoryQuery = ({ readonly text: string } | { readonly vector: readonly number[] }) & {
  readonly k?: number;
};

export interface MemoryRecord {
  /** Made by the executor when absent. */
  readonly id?: string;
  readonly text: string;
  readonly labels?: readonly string[];
  readonly data?: JsonObject;
}

type Send = (operation: RequestKind, body: JsonObject, options: CallOptions) => Promise<Completed>;

/** One memory namespace. Records that policy hides are not found, and are not there for this agent. */
export class Memory {
  constructor(private readonly send: Send) {}

  async query(query: MemoryQuery, options: CallOptions = {}): Promise<Completed> {
    return this.send('memory.query', { ...query }, options);
  }

  async write(records: readonly MemoryRecord[], options: CallOptions = {}): Promise<Completed> {
    return this.send('memory.write', { records: records as unknown as readonly JsonObject[] }, options);
  }

  async delete(ids: readonly string[], options: CallOptions = {}): Promise<Completed> {
    return this.send('memory.delete', { ids }, options);
  }
}
