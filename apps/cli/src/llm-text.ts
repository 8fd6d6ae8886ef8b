import type { LlmCost } from '#writ/contracts';

/** What a call of a language model took, for people: tokens and US dollars, or that nobody knows. */
export function llmText({ model, in: given, out, usd_micro: micro }: LlmCost): string {
  const tokens = given === undefined ? 'tokens unknown' : `${given} + ${out} tokens`;
  const money = micro === null ? 'price unknown' : `$${(micro / 1_000_000).toFixed(6)}`;
  return `${model ?? 'an unnamed model'}, ${tokens}, ${money}`;
}
