import { JsonValue } from '#writ/contracts';
import { z } from 'zod';

/** What the agents' script can do: its whole round, one slow upload, posts until it is told to stop, the load, one search. */
export const AgentTask = z.enum(['round', 'upload', 'keep-posting', 'load', 'search']);
export type AgentTask = z.infer<typeof AgentTask>;

const asked = { what: z.string(), call: z.string() };

/** What the script says on its standard output, one JSON object a line. */
export const AgentLine = z.discriminatedUnion('event', [
  z.strictObject({ event: z.literal('asking'), ...asked }),
  z.strictObject({
    event: z.literal('answered'),
    ...asked,
    ok: z.boolean(),
    output: JsonValue.optional(),
    /** When it is not ok: the kind of error of the SDK, its code, and what the agent is let know. */
    error: z.string().optional(),
    code: z.string().optional(),
    reason: z.string().optional(),
  }),
]);
export type AgentLine = z.infer<typeof AgentLine>;
export type Answered = Extract<AgentLine, { event: 'answered' }>;
