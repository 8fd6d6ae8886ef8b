/** A vector as an embedder or an agent gives it. */
export type Vector = Float32Array | readonly number[];

/** What came of embedding: one vector a text, in order, and the credential that was used, if any. */
export interface Embedded {
  readonly vectors: readonly Vector[];
  readonly credential?: { readonly name: string; readonly origin: string; readonly echoed: boolean };
}

/**
 * Turns text into vectors. Vectors of two embedders cannot be compared, so a namespace remembers the `id` and the
 * `dimensions` that it was written with and refuses others. Throws EXECUTOR_EMBEDDER_FAILED and EXECUTOR_DIMENSION_MISMATCH.
 */
export interface Embedder {
  readonly id: string;
  readonly dimensions: number;
  embed(texts: readonly string[], signal?: AbortSignal): Promise<Embedded>;
}
