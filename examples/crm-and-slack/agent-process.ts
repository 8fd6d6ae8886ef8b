import { JsonValue } from '#writ/contracts';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { startJsonChild, type JsonChild } from './child.js';

/** What the agents' script says on its standard output, one JSON object a line. */
export const AgentLine = z.discriminatedUnion('event', [
  z.strictObject({ event: z.literal('asking'), what: z.string(), call: z.string() }),
  z.strictObject({
    event: z.literal('answered'),
    what: z.string(),
    call: z.string(),
    ok: z.boolean(),
    /** On an error: its code, and what policy lets the agent know. */
    code: z.string().optional(),
    reason: z.string().optional(),
    output: JsonValue.optional(),
  }),
]);
export type AgentLine = z.infer<typeof AgentLine>;
export type Answered = Extract<AgentLine, { event: 'answered' }>;

/** What the script does: its whole round, one slow upload, posts until it is told to stop, or the nightly load. */
export type AgentTask = 'round' | 'upload' | 'keep-posting' | 'load' | 'search-all';

/** An agent: a process of its own that knows its profile file and nothing else of Writ. */
export interface AgentProcess {
  readonly child: JsonChild;
  answered(): readonly Answered[];
  /** Resolves with the first line that is such an event. */
  event<E extends AgentLine['event']>(event: E, what?: string): Promise<Extract<AgentLine, { event: E }>>;
  /** Waits for the process to end and returns all its answers; fails unless it ended well. */
  finish(): Promise<readonly Answered[]>;
}

export interface AgentOptions {
  readonly root: string;
  readonly data: string;
  readonly agent: string;
  readonly task: AgentTask;
  readonly statusUrl: string;
}

const EVENT_WITHIN_MS = 15_000;
const SCRIPT = fileURLToPath(new URL('./agent-script.js', import.meta.url));

/** Starts the script as that agent. Every agent runs the same script; only the profile file differs. */
export function startAgent(options: AgentOptions): AgentProcess {
  const profile = join(options.data, 'agents', `${options.agent}.json`);
  const child = startJsonChild({
    args: [SCRIPT, profile, options.task],
    cwd: options.root,
    // The agent gets no secret of the runtime, only the address that it wants to read.
    env: { PATH: process.env['PATH'], STATUS_URL: options.statusUrl },
  });
  const lines = (): readonly AgentLine[] => child.lines.map((line) => AgentLine.parse(line));
  const answered = (): readonly Answered[] => lines().filter((line) => line.event === 'answered');
  return {
    child,
    answered,
    event: <E extends AgentLine['event']>(event: E, what?: string) =>
      child.first((line) => {
        const parsed = AgentLine.parse(line);
        const isWanted = parsed.event === event && (what === undefined || parsed.what === what);
        return isWanted ? (parsed as Extract<AgentLine, { event: E }>) : undefined;
      }, EVENT_WITHIN_MS),
    finish: async () => {
      const code = await child.exited;
      if (code !== 0)
        throw new Error(`the script of \`${options.agent}\` ended with ${String(code)}: ${child.noise()}`);
      return answered();
    },
  };
}
