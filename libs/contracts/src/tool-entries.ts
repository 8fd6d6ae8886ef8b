import { z } from 'zod';
import { LlmCost } from './llm-cost.js';

const DefinitionHash = z.string().regex(/^sha256:[0-9a-f]{64}$/);

/** A server offers another definition of a tool than the approved one, `old`: the tool is disabled until it is approved or as before. */
export const toolDefinitionChanged = {
  tool: z.string().max(128),
  server: z.string().max(256),
  old: DefinitionHash,
  new: DefinitionHash,
};

/**
 * What a call took. `bytes` came from the service; `sent`, of a tunnel, went to it. `attempts`: how often the executor that finished the
 * call tried, where that is more than once.
 */
export const callCost = z.strictObject({
  ms: z.int().min(0),
  bytes: z.int().min(0).optional(),
  sent: z.int().min(0).optional(),
  attempts: z.int().min(2).max(100).optional(),
  llm: LlmCost.optional(),
});
