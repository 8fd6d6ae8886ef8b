import { existsSync, lstatSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import { type EgressWay, prepareWay } from './egress-way.js';

/** A program with all that it is started with. */
export interface Program {
  /** A path, or a name that is looked for in the PATH of its environment. */
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Absolute. */
  readonly cwd: string;
}

/** What a contained program may see and use. Relative paths are relative to its `cwd`. */
export interface Needs {
  /** As they are declared: those that name a file are there to read. What an agent put in their places is not looked at. */
  readonly args: readonly string[];
  readonly read: readonly string[];
  readonly write: readonly string[];
  /** Of each of its processes, in bytes: what it has written to, not what it has reserved. */
  readonly memoryBytesMax: number;
  /** Processes and threads. Not enforced for an executor that runs as root. */
  readonly processesMax: number;
}

/** Where the two programs are that contain others. */
export interface Tools {
  readonly bwrap: string;
  readonly prlimit: string;
}

const NOBODY = '65534';
const SCRATCH_BYTES_MAX = 67_108_864;
/** Programs and libraries of the system. What of them is a link, as on every newer system, is one inside as well. */
const SYSTEM = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'];
/** What the loader and the links of programs need, and nothing that tells of the host. */
const SYSTEM_FILES = ['/etc/ld.so.cache', '/etc/alternatives'];
const PLAIN_PATH = '/usr/local/bin:/usr/bin:/bin';

interface SandboxTerms {
  readonly tools: Tools;
  /** Directories that are empty inside even if they lie in what is declared. */
  readonly hidden: readonly string[];
  /** Absent: the program reaches nothing. */
  readonly way?: EgressWay | undefined;
}

/**
 * The program under bubblewrap: namespaces of its own, no network but a way to the egress proxy where it has one, no capability, nobody's
 * user, a file system of system programs and of what is declared, all else empty and read-only but `/tmp`.
 */
export function bubblewrapped(
  { command, args, env, cwd }: Program,
  needs: Needs,
  { tools, hidden, way }: SandboxTerms,
): Program {
  const egress = way === undefined ? undefined : prepareWay(way);
  const write = needs.write.map((path) => resolve(cwd, path));
  const file = findProgram(command, { cwd, path: env['PATH'] ?? PLAIN_PATH });
  const wrapper = egress?.wrapper ?? [];
  // The wrapper begins with the Node that this process runs by, which need not be one of the system.
  const started = [...wrapper.slice(0, 1), file];
  const named = [...started, ...needs.args.map((arg) => resolve(cwd, arg))].filter((path) => isOwnFile(path, write));
  const read = [...new Set([...named, ...needs.read.map((path) => resolve(cwd, path))])];
  const limits = [`--data=${needs.memoryBytesMax}`, `--nproc=${needs.processesMax}`, '--core=0'];
  return {
    command: tools.prlimit,
    args: [
      ...limits,
      tools.bwrap,
      ...ISOLATION,
      ...systemBinds(),
      ...read.flatMap((path) => ['--ro-bind', path, path]),
      ...write.flatMap((path) => ['--bind', path, path]),
      ...hidden.flatMap((path) => ['--tmpfs', path]),
      ...(egress?.binds ?? []),
      ...['--dir', cwd, '--remount-ro', '/', '--chdir', cwd],
      ...['--', ...wrapper, file, ...args],
    ],
    env: plainEnvironment({ ...egress?.env, ...env }),
    cwd,
  };
}

/** The command that shows whether all this can be done here. */
export function probeProgram(tools: Tools): Program {
  const needs = { args: [], read: [], write: [], memoryBytesMax: 1_073_741_824, processesMax: 16 };
  const program = { command: 'true', args: [], env: {}, cwd: '/' };
  return bubblewrapped(program, needs, { tools, hidden: [] });
}

const ISOLATION = [
  ...['--unshare-all', '--die-with-parent', '--new-session', '--cap-drop', 'ALL'],
  ...['--uid', NOBODY, '--gid', NOBODY, '--hostname', 'contained'],
  ...['--proc', '/proc', '--dev', '/dev', '--size', String(SCRATCH_BYTES_MAX), '--tmpfs', '/tmp'],
];

/**
 * The environment is made here and given to bubblewrap as it is. Its own `--clearenv` and `--setenv` would put the values, which may be
 * secrets, where every user of the host sees them: among its arguments.
 */
function plainEnvironment(declared: Readonly<Record<string, string>>): Record<string, string> {
  const plain = {
    PATH: PLAIN_PATH,
    HOME: '/tmp',
    USER: 'nobody',
    LOGNAME: 'nobody',
    SHELL: '/bin/false',
    TERM: 'dumb',
  };
  return { ...plain, ...declared };
}

function systemBinds(): string[] {
  const directories = SYSTEM.filter((path) => existsSync(path)).flatMap((path) =>
    lstatSync(path).isSymbolicLink() ? ['--symlink', readlinkSync(path), path] : ['--ro-bind', path, path],
  );
  return [...directories, ...SYSTEM_FILES.flatMap((path) => ['--ro-bind-try', path, path])];
}

/** The program as the host finds it: inside there are other directories. What is not found is left to fail by its name. */
function findProgram(command: string, { cwd, path }: { readonly cwd: string; readonly path: string }): string {
  if (command.includes('/')) return resolve(cwd, command);
  const searched = [path, process.env['PATH'] ?? ''].flatMap((each) => each.split(delimiter)).filter(isAbsolute);
  const found = searched.map((directory) => join(directory, command)).find((file) => isFile(file));
  return found === undefined ? command : realpathSync(found);
}

/** Files of the system are there already. What the program can write to it could replace by a link, so that is not bound. */
function isOwnFile(path: string, writable: readonly string[]): boolean {
  return !isBelow(path, '/usr') && !writable.some((each) => isBelow(path, each)) && isFile(path);
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function isBelow(path: string, directory: string): boolean {
  return path === directory || path.startsWith(`${directory}/`);
}
