import type { Embedded, Embedder, EmbedOptions } from './embedder.js';
import { isStopWord, stem, wordsOf } from './words.js';

/** A stop word says little about a text; without a corpus there is no better weight than a small one. */
const STOP_WORD_WEIGHT = 0.15;
const WORD_WEIGHT = 1;
/** All character n-grams of a word together weigh about as much as the word: they connect spellings, not meanings. */
const GRAMS_WEIGHT = 1;
const GRAM_CHARACTERS_MIN = 3;
const GRAM_CHARACTERS_MAX = 5;

/**
 * Embeds by feature hashing: stemmed words and character n-grams, each hashed to a signed place in the vector. It needs no
 * model and no network and gives the same vector on every machine. It finds shared words and spellings, not paraphrases.
 */
export class HashingEmbedder implements Embedder {
  readonly id: string;

  constructor(readonly dimensions = 1024) {
    this.id = `hashing-v1-${dimensions}`;
  }

  async embed(texts: readonly string[], { signal }: EmbedOptions = {}): Promise<Embedded> {
    signal?.throwIfAborted();
    return { vectors: texts.map((text) => hashText(text, this.dimensions)) };
  }
}

/** The unit vector of one text. No text has the zero vector, which has no direction to compare. */
function hashText(text: string, dimensions: number): Float32Array {
  const weights = featuresOf(text);
  const sums = new Float64Array(dimensions);
  for (const [feature, weight] of weights) addFeature(sums, feature, weight);
  // Features can cancel each other out, and a text of blanks has none: then the text as a whole is the only feature.
  if (sums.every((sum) => sum === 0)) addFeature(sums, `text ${text}`, 1);
  const length = Math.hypot(...sums);
  return Float32Array.from(sums, (sum) => sum / length);
}

function addFeature(sums: Float64Array, feature: string, weight: number): void {
  const hash = hashFeature(feature);
  const place = hash % sums.length;
  const sign = hash >= 0x8000_0000 ? -1 : 1;
  sums[place] = (sums[place] ?? 0) + sign * weight;
}

function featuresOf(text: string): Map<string, number> {
  const weights = new Map<string, number>();
  for (const [word, count] of countWords(text)) {
    const saysLittle = isStopWord(word);
    // A word said ten times is not ten times as important.
    const importance = (saysLittle ? STOP_WORD_WEIGHT : WORD_WEIGHT) * (1 + Math.log(count));
    add(weights, `word ${stem(word)}`, importance);
    if (saysLittle) continue;
    const grams = gramsOf(word);
    for (const gram of grams) add(weights, `gram ${gram}`, (importance * GRAMS_WEIGHT) / Math.sqrt(grams.length));
  }
  return weights;
}

function countWords(text: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const word of wordsOf(text)) add(counts, word, 1);
  return counts;
}

function gramsOf(word: string): string[] {
  const characters = [...`<${word}>`];
  const grams: string[] = [];
  for (let size = GRAM_CHARACTERS_MIN; size <= GRAM_CHARACTERS_MAX; size++) {
    for (let at = 0; at + size <= characters.length; at++) grams.push(characters.slice(at, at + size).join(''));
  }
  return grams;
}

function add(weights: Map<string, number>, key: string, weight: number): void {
  weights.set(key, (weights.get(key) ?? 0) + weight);
}

/** FNV-1a over UTF-16 code units with the finaliser of MurmurHash3, which spreads the low bits that `%` uses. */
function hashFeature(text: string): number {
  let hash = 0x811c_9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x0100_0193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
