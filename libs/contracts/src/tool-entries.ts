import { z } from 'zod';

const DefinitionHash = z.string().regex(/^sha256:[0-9a-f]{64}$/);

/** A server offers another definition of a tool than the approved one, `old`: the tool is disabled until it is approved or as before. */
export const toolDefinitionChanged = {
  tool: z.string().max(128),
  server: z.string().max(256),
  old: DefinitionHash,
  new: DefinitionHash,
};
