import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AgentLine, type AgentTask, type Answered } from './agent-task.js';
import { startJsonChild, type JsonChild } from './child.js';

/** An agent: a process of its own that knows its profile file and nothing else of Writ. */
export interface AgentProcess {
  readonly child: JsonChild;
  answered(): readonly Answered[];
  /** Resolves with the first line that is such an event. */
  event<E extends AgentLine['event']>(event: E, what?: string): Promise<Extract<AgentLine, { event: E }>>;
  /** Waits for the process to end and returns all its answers; fails unless it ended well. */
  finish(): Promise<readonly Answered[]>;
}

interface AgentOptions {
  readonly root: string;
  readonly data: string;
  readonly agent: string;
  readonly task: AgentTask;
  readonly statusUrl: string;
}

const EVENT_WITHIN_MS = 15_000;
const FINISH_WITHIN_MS = 30_000;
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
      const late = setTimeout(() => child.kill('SIGKILL'), FINISH_WITHIN_MS);
      const code = await child.exited;
      clearTimeout(late);
      if (code === 0) return answered();
      throw new Error(`the script of \`${options.agent}\` ended with ${String(code)}: ${child.noise()}`);
    },
  };
}
