import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync, realpathSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';
import { Fault } from '#writ/faults';
import { bubblewrapped, type Needs, probeProgram, type Program, type Tools } from './bubblewrap.js';

/** Whether a program must be contained, is when that can be done, or is not. */
type Containment = 'required' | 'preferred' | 'none';

/** What a program is started with, and how. */
export interface Contained extends Needs {
  /** Absent: what is usual here. */
  readonly containment?: Containment | undefined;
}

/** Why nothing can be contained here, in one sentence. */
type SandboxProblem = string;

const PROBE_WITHIN_MS = 5_000;
const run = promisify(execFile);

/** Starts a program to see whether it ends well. Rejects when it does not. */
type Try = (program: Program) => Promise<unknown>;

const tryForReal: Try = ({ command, args, env, cwd }) =>
  run(command, [...args], { env, cwd, timeout: PROBE_WITHIN_MS, killSignal: 'SIGKILL' });

interface ProbeOptions {
  /** What holds for a program that does not say it. */
  readonly usual: Containment;
  /** Directories that no contained program sees, whatever is declared for it. */
  readonly hidden: readonly string[];
  /** Where programs are looked for; absent: the PATH of this process. */
  readonly path?: string | undefined;
  readonly attempt?: Try;
}

/** Contains programs, where this machine can: known by having done it once, not by what is installed. */
export class Sandbox {
  private constructor(
    private readonly tools: Tools | undefined,
    /** Undefined when programs can be contained. */
    readonly problem: SandboxProblem | undefined,
    private readonly terms: Pick<ProbeOptions, 'hidden' | 'usual'>,
  ) {}

  /**
   * Looks for bubblewrap and prlimit in the PATH and runs a program that does nothing by them.
   */
  static async probe(options: ProbeOptions): Promise<Sandbox> {
    const { path = process.env['PATH'] ?? '', attempt = tryForReal } = options;
    const terms = {
      ...options,
      hidden: options.hidden.filter((each) => existsSync(each)).map((each) => realpathSync(each)),
    };
    const [bwrap, prlimit] = ['bwrap', 'prlimit'].map((name) => findExecutable(name, path));
    if (bwrap === undefined) return new Sandbox(undefined, 'bubblewrap (`bwrap`) is not installed', terms);
    if (prlimit === undefined) return new Sandbox(undefined, '`prlimit` is not installed', terms);
    const tools = { bwrap, prlimit };
    try {
      await attempt(probeProgram(tools));
      return new Sandbox(tools, undefined, terms);
    } catch (error) {
      const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim().split('\n').at(-1) : '';
      return new Sandbox(undefined, `bubblewrap cannot contain anything here: ${said || String(error)}`, terms);
    }
  }

  /** Throws EXECUTOR_NOT_CONTAINED for what must be contained and cannot be here. */
  assertAllowed(containment: Containment = this.terms.usual): void {
    if (containment !== 'required' || this.tools !== undefined) return;
    throw new Fault('EXECUTOR_NOT_CONTAINED', 'the tool may only run contained, and nothing can be contained here', {
      cause: new Error(this.problem),
    });
  }

  /** What to start instead of the program, so that it is contained as declared. Throws EXECUTOR_NOT_CONTAINED. */
  contain(program: Program, { containment = this.terms.usual, ...needs }: Contained): Program {
    this.assertAllowed(containment);
    if (containment === 'none' || this.tools === undefined) return program;
    return bubblewrapped(program, needs, { tools: this.tools, hidden: this.terms.hidden });
  }
}

function findExecutable(name: string, path: string): string | undefined {
  const files = path
    .split(delimiter)
    .filter(isAbsolute)
    .map((directory) => join(directory, name));
  return files.find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
