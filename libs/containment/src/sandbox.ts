import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync, realpathSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';
import { Fault } from '#writ/faults';
import { bubblewrapped, type Needs, probeProgram, type Program, type Tools } from './bubblewrap.js';
import type { EgressWay } from './egress-way.js';

/** Whether a program must be contained, is when that can be done, or is not. */
type Containment = 'required' | 'preferred' | 'none';

/** What a program is started with, and how. */
export interface Contained extends Needs {
  /** Absent: what is usual here. */
  readonly containment?: Containment | undefined;
  /** The agent as which it asks the egress proxy. A program that has one is only ever started contained. Absent: it reaches nothing. */
  readonly egress?: { readonly as: string } | undefined;
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
  /** How an agent reaches the egress proxy. */
  readonly egress: (agent: string) => EgressWay;
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
    private readonly terms: Pick<ProbeOptions, 'egress' | 'hidden' | 'usual'>,
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
  assertAllowed({ containment = this.terms.usual, egress }: Pick<Contained, 'containment' | 'egress'>): void {
    // Uncontained, the proxy would be a request and no wall, and the program would have all the rest of the network.
    const isRequired = containment === 'required' || egress !== undefined;
    if (!isRequired || this.tools !== undefined) return;
    throw new Fault('EXECUTOR_NOT_CONTAINED', 'the tool may only run contained, and nothing can be contained here', {
      cause: new Error(this.problem),
    });
  }

  /** What to start instead of the program, so that it is contained as declared. Throws EXECUTOR_NOT_CONTAINED. */
  contain(program: Program, { containment = this.terms.usual, egress, ...needs }: Contained): Program {
    this.assertAllowed({ containment, egress });
    if (this.tools === undefined || (containment === 'none' && egress === undefined)) return program;
    const way = egress === undefined ? undefined : this.terms.egress(egress.as);
    return bubblewrapped(program, needs, { tools: this.tools, hidden: this.terms.hidden, way });
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
