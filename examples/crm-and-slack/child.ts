import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { z } from 'zod';
import { LineLog } from './line-log.js';

const NOISE_CHARACTERS_MAX = 4000;
/** How the command line tells with `--json` why it failed. */
const Failure = z.object({ error: z.object({ code: z.string() }) });

export interface ChildOptions {
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

/** A Node process that prints one JSON value a line. */
export interface JsonChild {
  readonly pid: number;
  readonly lines: readonly unknown[];
  /** The first line, seen or to come, that `select` maps to something. Rejects after `withinMs`, and when the process ends. */
  first<T>(select: (line: unknown) => T | undefined, withinMs: number): Promise<T>;
  readonly exited: Promise<number | null>;
  /** What it printed that is no JSON, the end of it, and what it said in JSON of why it failed. */
  noise(): string;
  kill(signal: NodeJS.Signals): void;
}

/** Starts `node <args>`. */
export function startJsonChild(options: ChildOptions): JsonChild {
  const child = start(options);
  const log = new LineLog();
  let noise = '';
  const keepNoise = (text: string): void => {
    noise = (noise + text).slice(-NOISE_CHARACTERS_MAX);
  };
  child.stderr.setEncoding('utf8').on('data', keepNoise);
  createInterface({ input: child.stdout }).on('line', (text) => {
    const value = readJson(text);
    if (value === undefined || Failure.safeParse(value).success) keepNoise(`${text}\n`);
    if (value !== undefined) log.append(value);
  });
  const exited = exitCode(child).then((code) => {
    log.end(`the process ended with ${String(code)}`);
    return code;
  });
  return {
    pid: child.pid ?? 0,
    lines: log.lines,
    first: (select, withinMs) =>
      log.first(select, withinMs).catch((error: unknown) => {
        const why = error instanceof Error ? error.message : String(error);
        throw new Error(`${nameOf(options)}: ${why}${noise === '' ? '' : `; it printed:\n${noise.trim()}`}`);
      }),
    exited,
    noise: () => noise.trim(),
    kill: (signal) => void child.kill(signal),
  };
}

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `node <args>` to its end and returns what it printed; kills it after `withinMs`. */
export async function runToEnd(options: ChildOptions, withinMs: number): Promise<Finished> {
  const child = start(options);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const timer = setTimeout(() => child.kill('SIGKILL'), withinMs);
  const code = await exitCode(child);
  clearTimeout(timer);
  return { code, stdout, stderr };
}

type PipedChild = ChildProcessByStdio<null, Readable, Readable>;

function start({ args, cwd, env }: ChildOptions): PipedChild {
  const child = spawn(process.execPath, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  // Whichever way this process ends, its children do not stay behind.
  const end = (): void => void child.kill('SIGTERM');
  process.once('exit', end);
  child.once('close', () => process.off('exit', end));
  return child;
}

function exitCode(child: PipedChild): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code));
  });
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function nameOf({ args }: ChildOptions): string {
  return `\`node ${args.map((arg) => arg.replace(/^.*\//, '')).join(' ')}\``;
}
