import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { startJsonChild, type Finished } from './child.js';
import type { CommandLine } from './command-line.js';
import { startLedgerTail, type LedgerTail } from './ledger-tail.js';

const Processes = z.array(z.object({ name: z.string(), pid: z.int().min(1) }));
const Ready = z.object({ event: z.literal('ready'), processes: Processes });
const Status = z.object({ processes: Processes });

type RuntimeProcess = z.infer<typeof Processes>[number];

/** A running `writ up`, seen from outside: its processes, its command line and its data directory. */
export interface Runtime {
  readonly data: string;
  readonly pid: number;
  processes(): Promise<readonly RuntimeProcess[]>;
  /** Runs `writ <args>` and fails, with what it printed, unless it ends with that code. */
  writEndingWith(code: number, ...args: readonly string[]): Promise<Finished>;
  tail(): LedgerTail;
  /** Ctrl-C. Resolves with the exit code. */
  stop(): Promise<number | null>;
  /** For the way out, whatever happened: ends what is still running and waits for it. */
  end(): Promise<void>;
}

interface RuntimeOptions {
  readonly writ: CommandLine;
  readonly config: string;
  readonly data: string;
}

// The first start may fetch nats-server.
const READY_WITHIN_MS = 75_000;
const STOP_WITHIN_MS = 6_000;

/** Runs `writ up` and resolves when it says that it is ready. */
export async function startRuntime({ writ, config, data }: RuntimeOptions): Promise<Runtime> {
  const up = startJsonChild(writ.start('up', '--config', config, '--data', data, '--json'));
  try {
    await up.first((line) => Ready.safeParse(line).data, READY_WITHIN_MS);
  } catch (error) {
    up.kill('SIGKILL');
    throw error;
  }
  return {
    data,
    pid: up.pid,
    processes: async () => Status.parse(JSON.parse(await readFile(join(data, 'run', 'status.json'), 'utf8'))).processes,
    writEndingWith: (code, ...args) => writ.runEndingWith(code, ...args),
    tail: () => startLedgerTail(writ.start('tail', '--data', data, '--json')),
    stop: () => {
      up.kill('SIGINT');
      return up.exited;
    },
    end: async () => {
      up.kill('SIGINT');
      const forced = setTimeout(() => up.kill('SIGKILL'), STOP_WITHIN_MS);
      await up.exited;
      clearTimeout(forced);
    },
  };
}
