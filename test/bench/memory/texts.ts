/** A generator with a seed, so that two runs measure the same. */
export function seeded(seed: number): () => number {
  let state = Math.imul(seed + 1, 2_654_435_761) >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const VOCABULARY = 5_000;
const WORDS = 20;

/** A text of twenty words, few of which are frequent and most of which are rare, as in a language. */
export function textOf(random: () => number): string {
  return Array.from({ length: WORDS }, () => `word${Math.floor(VOCABULARY * random() ** 3).toString(36)}`).join(' ');
}
