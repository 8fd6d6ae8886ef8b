import assert from 'node:assert/strict';
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type CatalogueTool, fillCommand } from '#writ/catalogue';
import { killOnExit, killProcess, type Sandbox } from '#writ/containment';
import type { RunResult } from '#writ/execution';
import { Fault, messageOf } from '#writ/faults';
import { limitsOf, parseOutput, textOutput } from './output.js';
import type { ToolKindRunner, ToolRun } from './ports.js';

interface CommandToolOptions {
  /** What relative paths are relative to, and the working directory. */
  readonly baseDirectory: string;
  readonly sandbox: Pick<Sandbox, 'contain'>;
}

/**
 * Runs a declared program of this machine for each call: contained as it is declared, with its own environment alone, its arguments as
 * whole elements and never through a shell. It is ended with everything that it started when the call ends.
 */
export class CommandToolRunner implements ToolKindRunner {
  constructor(private readonly options: CommandToolOptions) {}

  async run({ declaration }: CatalogueTool, { command: { args }, signal }: ToolRun): Promise<RunResult> {
    assert(declaration.kind === 'command');
    // Redaction may have changed the arguments since they were checked against the declaration.
    const filled = fillCommand(declaration, args);
    if ('problem' in filled) throw new Fault('EXECUTOR_FAILED', filled.problem);
    const { sandbox, baseDirectory } = this.options;
    const program = sandbox.contain({ ...declaration, args: filled.args, cwd: baseDirectory }, declaration);
    const stdin = declaration.stdin === 'json' ? JSON.stringify(args) : '';
    const limited = AbortSignal.any([signal, AbortSignal.timeout(declaration.timeoutMs)]);
    limited.throwIfAborted();
    // A group of its own, so that whatever it starts ends with it.
    const child = spawn(program.command, [...program.args], { env: program.env, cwd: program.cwd, detached: true });
    const { readBytesMax, cut } = limitsOf(declaration);
    const isCut = declaration.onOversize === 'cut' && declaration.stdout === 'text';
    const { stdout, bytes } = await collect(child, { stdin, signal: limited, bytesMax: readBytesMax, isCut });
    const hasMore = bytes > stdout.length;
    const output = declaration.stdout === 'json' ? parseOutput(stdout, readBytesMax) : textOutput(stdout, hasMore);
    return { output, bytes, ...cut(hasMore) };
  }
}

interface Collecting {
  readonly stdin: string;
  readonly signal: AbortSignal;
  readonly bytesMax: number;
  /** Whether what is over the limit is dropped, and the program goes on. */
  readonly isCut: boolean;
}

/** What the program wrote to stdout when it ended well. Throws EXECUTOR_* and leaves nothing of it running. */
async function collect(
  child: ChildProcessWithoutNullStreams,
  { stdin, signal, bytesMax, isCut }: Collecting,
): Promise<{ readonly stdout: Buffer; readonly bytes: number }> {
  const end = () => child.pid !== undefined && killProcess(-child.pid);
  const forget = child.pid === undefined ? () => {} : killOnExit(-child.pid);
  const chunks: Buffer[] = [];
  let bytes = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= bytesMax) chunks.push(chunk);
    else if (!isCut) end();
  });
  // Its own words stay here: they may quote anything, and a log holds no payload.
  child.stderr.resume();
  // A program that does not read its input is no error.
  child.stdin.on('error', () => {});
  child.stdin.end(stdin);
  signal.addEventListener('abort', end, { once: true });
  try {
    const [code, by] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    if (bytes > bytesMax && !isCut)
      throw new Fault('EXECUTOR_OUTPUT_TOO_LARGE', `the answer has more than ${bytesMax} bytes`);
    if (signal.aborted) throw new Fault('EXECUTOR_TIMEOUT', 'the command did not end in time');
    if (code !== 0) throw new Fault('EXECUTOR_FAILED', `the command ended with ${by ?? `code ${code}`}`);
    return { stdout: Buffer.concat(chunks), bytes };
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw new Fault('EXECUTOR_UNREACHABLE', 'the command could not be started', { cause: new Error(messageOf(error)) });
  } finally {
    signal.removeEventListener('abort', end);
    // What it left running in its group ends with the call.
    end();
    forget();
  }
}
