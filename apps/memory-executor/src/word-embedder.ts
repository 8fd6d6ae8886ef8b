import { createHash } from 'node:crypto';
import type { Embedded, Embedder, EmbedOptions } from './embedder.js';
import type { WordVectors } from './word-vectors.js';

/** The `a` of smooth inverse frequency: words that make up far more of a text than a thousandth count little. */
const SMOOTHING = 1e-3;
const EULER = 0.5772;

/**
 * Embeds a text as the mean of the vectors of its words, each weighted by smooth inverse frequency (Arora, Liang, Ma 2017). How frequent
 * a word is follows from its rank in the file, by Zipf's law. A word that the file does not have gets a direction of its own, drawn from
 * its letters: a number or a name finds itself and nothing else. It needs no network, and finds words of like meaning.
 */
export class WordEmbedder implements Embedder {
  readonly id: string;
  readonly dimensions: number;

  constructor(private readonly words: WordVectors) {
    this.dimensions = words.dimensions;
    this.id = `words-v1-${words.fingerprint}-${words.dimensions}`;
  }

  async embed(texts: readonly string[], { signal }: EmbedOptions = {}): Promise<Embedded> {
    signal?.throwIfAborted();
    return { vectors: texts.map((text) => this.#meanOf(text)) };
  }

  #meanOf(text: string): Float32Array {
    const sums = new Float64Array(this.dimensions);
    for (const [word] of text
      .normalize('NFKC')
      .toLowerCase()
      .matchAll(/[\p{L}\p{M}\p{N}]+/gu)) {
      const rank = this.words.ranks.get(word);
      if (rank === undefined) add(sums, drawn(word, this.dimensions), 1);
      else add(sums, this.words.vectorOf(rank), this.#weightOf(rank));
    }
    // A text without words, or of words that cancel each other out, has a direction too: that of the text as a whole.
    if (sums.every((sum) => sum === 0)) add(sums, drawn(text, this.dimensions), 1);
    const length = Math.hypot(...sums);
    return Float32Array.from(sums, (sum) => sum / length);
  }

  #weightOf(rank: number): number {
    const harmonic = Math.log(this.words.ranks.size) + EULER;
    return SMOOTHING / (SMOOTHING + 1 / ((rank + 1) * harmonic));
  }
}

function add(sums: Float64Array, vector: Float32Array, weight: number): void {
  for (let at = 0; at < vector.length; at++) sums[at] = (sums[at] ?? 0) + weight * (vector[at] ?? 0);
}

/** A unit vector that the text alone decides, the same on every machine. */
function drawn(text: string, dimensions: number): Float32Array {
  const bytes = createHash('shake256', { outputLength: dimensions }).update(text).digest();
  const values = Float64Array.from(bytes, (byte) => byte - 127.5);
  const length = Math.hypot(...values);
  return Float32Array.from(values, (value) => value / length);
}
