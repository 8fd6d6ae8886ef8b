import { z } from 'zod';

const Tokens = z.int().min(0).max(1_000_000_000);

/** What a call of a language model took, as its provider says. Without tokens the provider did not say. */
export const LlmCost = z.strictObject({
  provider: z.string().max(64),
  /** As the provider names it; absent when it does not, or not as a name. */
  model: z.string().max(128).optional(),
  /** Tokens that went in, those that were cached included, and that came out. */
  in: Tokens.optional(),
  out: Tokens.optional(),
  cached: Tokens.optional(),
  /** Millionths of a US dollar; null when nobody knows the price. */
  usd_micro: z.int().min(0).nullable(),
});
export type LlmCost = Readonly<z.infer<typeof LlmCost>>;
