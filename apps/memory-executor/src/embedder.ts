import type { CredentialUse } from '#writ/execution';

/** A vector as an embedder or an agent gives it. */
export type Vector = Float32Array | readonly number[];

/** What came of embedding: one vector a text, in order. */
export interface Embedded {
  readonly vectors: readonly Vector[];
}

/** What embedding may end by, and who is told when a credential leaves the process for it. */
export interface EmbedOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onCredential?: ((use: CredentialUse) => void) | undefined;
}

/**
 * Turns text into vectors. Vectors of two embedders cannot be compared, so a namespace remembers the `id` and the
 * `dimensions` that it was written with and refuses others. Throws EXECUTOR_EMBEDDER_FAILED and EXECUTOR_DIMENSION_MISMATCH.
 */
export interface Embedder {
  readonly id: string;
  readonly dimensions: number;
  embed(texts: readonly string[], options?: EmbedOptions): Promise<Embedded>;
}
