import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { Fault } from '#writ/faults';

/** Files begin with the most frequent words; what stands behind these is rare, and would cost start-up and memory. */
const WORDS_MAX = 200_000;
const DIMENSIONS_MIN = 8;
const DIMENSIONS_MAX = 4_096;

/** Unit vectors of words, by rank: the first word of the file is the most frequent one. */
export interface WordVectors {
  readonly dimensions: number;
  /** Names what was read, so that vectors of another file are never compared with these. */
  readonly fingerprint: string;
  readonly ranks: ReadonlyMap<string, number>;
  /** The vector of the word of that rank, of length 1. */
  vectorOf(rank: number): Float32Array;
}

/**
 * Reads word vectors in the text format of GloVe and word2vec: a line a word, `word v1 v2 … vn`, blanks between, most frequent first; a
 * first line `count dimensions` is passed over. Upper and lower case are one, the first counts. At most 200,000 words are read. Throws
 * CONFIG_INVALID with the line, never with what stands there.
 */
export async function readWordVectors(path: string): Promise<WordVectors> {
  const file = await open(path).catch((cause: unknown) => {
    throw new Fault('CONFIG_INVALID', `the word vectors \`${path}\` cannot be read`, { cause });
  });
  const reading = new Reading(path);
  try {
    // Closes the file at its end, and when it is left earlier.
    for await (const line of file.readLines()) {
      reading.take(line);
      if (reading.isFull) break;
    }
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    throw new Fault('CONFIG_INVALID', `the word vectors \`${path}\` cannot be read`, { cause });
  } finally {
    await file.close();
  }
  return reading.end();
}

class Reading {
  readonly #ranks = new Map<string, number>();
  readonly #vectors: Float32Array[] = [];
  readonly #hash = createHash('sha256');
  #dimensions = 0;
  #line = 0;

  constructor(private readonly path: string) {}

  get isFull(): boolean {
    return this.#vectors.length >= WORDS_MAX;
  }

  take(line: string): void {
    this.#line += 1;
    if (this.#line === 1 && /^\d+ \d+ *$/.test(line)) return;
    const [word = '', ...numbers] = line.trimEnd().split(' ');
    if (this.#dimensions === 0) this.#begin(numbers.length);
    if (word === '' || numbers.length !== this.#dimensions)
      throw this.#problem(`a word and ${this.#dimensions} numbers`);
    this.#hash.update(`${line}\n`);
    const vector = new Float32Array(numbers.length);
    // Loops, because this is done for tens of millions of numbers.
    let squares = 0;
    for (let at = 0; at < numbers.length; at++) {
      const value = numbers[at] === '' ? Number.NaN : Number(numbers[at]);
      vector[at] = value;
      squares += value * value;
    }
    const length = Math.sqrt(squares);
    if (!Number.isFinite(length)) throw this.#problem('finite numbers');
    const key = word.normalize('NFKC').toLowerCase();
    // A word without a direction says nothing.
    if (length === 0 || this.#ranks.has(key)) return;
    this.#ranks.set(key, this.#vectors.length);
    for (let at = 0; at < vector.length; at++) vector[at] = (vector[at] ?? 0) / length;
    this.#vectors.push(vector);
  }

  end(): WordVectors {
    if (this.#vectors.length === 0) throw this.#problem('at least one word');
    const vectors = this.#vectors;
    return {
      dimensions: this.#dimensions,
      fingerprint: this.#hash.digest('hex').slice(0, 16),
      ranks: this.#ranks,
      vectorOf: (rank) => vectors[rank] ?? new Float32Array(this.#dimensions),
    };
  }

  #begin(dimensions: number): void {
    if (dimensions < DIMENSIONS_MIN || dimensions > DIMENSIONS_MAX) {
      throw this.#problem(`a word and ${DIMENSIONS_MIN} to ${DIMENSIONS_MAX} numbers`);
    }
    this.#dimensions = dimensions;
  }

  #problem(wanted: string): Fault {
    return new Fault('CONFIG_INVALID', `\`${this.path}\`:${this.#line}: word vectors need ${wanted} here`);
  }
}
