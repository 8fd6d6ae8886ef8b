import { Fault } from '#writ/faults';
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

export interface StartNatsServerOptions {
  readonly binary: string;
  /** The configuration must name `logFile` as its log and `portsDir` as its `ports_file_dir`. */
  readonly configFile: string;
  readonly portsDir: string;
  readonly logFile: string;
  /** Called when the server ends without having been told to. */
  readonly onExit?: (reason: string) => void;
}

/** A running nats-server that belongs to this process: it ends with it, however this process ends. */
export interface NatsServer {
  readonly url: string;
  readonly pid: number;
  /** Has the server read its configuration again, and waits until it did. Throws CONFIG_INVALID when it refuses. */
  reload(): Promise<void>;
  /** SIGTERM, and SIGKILL when that takes too long. Resolves when the process is gone. */
  stop(): Promise<void>;
  /** SIGKILL at once. For tests of crashes. */
  kill(): Promise<void>;
}

const READY_MS = 15_000;
const STOP_MS = 3_000;
const RELOAD_MS = 5_000;
const POLL_MS = 5;

/**
 * Ends the server when this process dies, even by SIGKILL: then the pipe at descriptor 3 closes and `read` returns. The
 * server's own process group keeps a Ctrl-C of the terminal from it, so that services can drain first.
 */
const GUARD = `
"$@" 3<&- & server=$!
{ read -r _ <&3; kill -TERM "$server" 2>/dev/null; } & guard=$!
wait "$server"; code=$?
kill "$guard" 2>/dev/null
exit "$code"`;

/** Starts the server and resolves when it takes connections. Throws CONFIG_INVALID or CONFIG_PORT_IN_USE when it cannot. */
export async function startNatsServer(options: StartNatsServerOptions): Promise<NatsServer> {
  await checkConfig(options);
  await mkdir(options.portsDir, { recursive: true, mode: 0o700 });
  await removePortsFiles(options.portsDir);
  const logStart = await sizeOf(options.logFile);
  const stdio = openSync(options.logFile, 'a', 0o600);
  const shell = spawn('sh', ['-c', GUARD, 'sh', options.binary, '-c', options.configFile], {
    stdio: ['ignore', stdio, stdio, 'pipe'],
    detached: true,
    env: serverEnvironment(process.env),
  });
  closeSync(stdio);
  const exited = new Promise<string>((resolve) => {
    shell.once('error', (error) => resolve(error.message));
    shell.once('exit', (code, signal) => resolve(signal ?? `exit ${code}`));
  });
  try {
    const ports = await untilReady(options, shell, logStart);
    return serverHandle(options, { shell, exited, ...ports });
  } catch (error) {
    shell.stdio[3]?.destroy();
    await exited;
    throw error;
  }
}

/** What the server and its guard need: programs, and settings of Go's runtime. Credentials in this environment are none of their business. */
function serverEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const isNeeded = (name: string) => /^(PATH|HOME|TMPDIR|TZ|GO[A-Z]+)$/.test(name);
  return Object.fromEntries(Object.entries(environment).filter(([name]) => isNeeded(name)));
}

interface Running {
  readonly shell: ChildProcess;
  readonly exited: Promise<string>;
  readonly url: string;
  readonly pid: number;
}

function serverHandle(options: StartNatsServerOptions, running: Running): NatsServer {
  const { pid, url, exited } = running;
  let isWanted = true;
  let reloads = Promise.resolve();
  void exited.then((reason) => {
    running.shell.stdio[3]?.destroy();
    if (isWanted) options.onExit?.(`nats-server ended (${reason})`);
  });
  const end = async (signal: 'SIGTERM' | 'SIGKILL') => {
    isWanted = false;
    sendSignal(pid, signal);
    const timer = setTimeout(() => sendSignal(pid, 'SIGKILL'), STOP_MS);
    await exited;
    clearTimeout(timer);
  };
  return {
    url,
    pid,
    reload: () => {
      const next = reloads.then(() => reloadAndWait(pid, options.logFile));
      reloads = next.catch(() => undefined);
      return next;
    },
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  };
}

async function checkConfig(options: StartNatsServerOptions): Promise<void> {
  try {
    await promisify(execFile)(options.binary, ['-t', '-c', options.configFile], {
      timeout: READY_MS,
      env: serverEnvironment(process.env),
    });
  } catch (cause) {
    const output = (cause as { readonly stderr?: string }).stderr?.trim() ?? '';
    throw new Fault('CONFIG_INVALID', `nats-server refuses \`${options.configFile}\`: ${output}`, { cause });
  }
}

async function untilReady(
  options: StartNatsServerOptions,
  shell: ChildProcess,
  logStart: number,
): Promise<{ readonly url: string; readonly pid: number }> {
  const deadline = performance.now() + READY_MS;
  while (performance.now() < deadline) {
    const ports = await readPortsFile(options.portsDir);
    if (ports !== undefined) return ports;
    if (shell.exitCode !== null || shell.signalCode !== null || shell.pid === undefined) {
      throw startFault(options, await readFrom(options.logFile, logStart));
    }
    await sleep(POLL_MS);
  }
  throw startFault(options, `not ready after ${READY_MS} ms`);
}

function startFault(options: StartNatsServerOptions, log: string): Fault {
  const inUse = /listen tcp (\S+): bind: address already in use/.exec(log);
  if (inUse !== null) return new Fault('CONFIG_PORT_IN_USE', `\`${inUse[1]}\` is in use by another process`);
  const fatal = /\[FTL\] (.*)/.exec(log)?.[1] ?? log.trim().split('\n').at(-1);
  return new Fault('CONFIG_INVALID', `nats-server does not start (log \`${options.logFile}\`): ${fatal}`);
}

/** The server writes `nats-server_<pid>.ports` when it takes connections, each time under its own process id. */
async function readPortsFile(portsDir: string): Promise<{ readonly url: string; readonly pid: number } | undefined> {
  for (const name of await readdir(portsDir)) {
    const pid = /_(\d+)\.ports$/.exec(name)?.[1];
    if (pid === undefined) continue;
    try {
      const ports = JSON.parse(await readFile(join(portsDir, name), 'utf8')) as { readonly nats?: readonly string[] };
      const url = ports.nats?.[0];
      if (url !== undefined) return { url, pid: Number(pid) };
    } catch {
      // Half written: the next look finds it whole.
    }
  }
  return undefined;
}

async function removePortsFiles(portsDir: string): Promise<void> {
  for (const name of await readdir(portsDir)) {
    if (name.endsWith('.ports')) await rm(join(portsDir, name), { force: true });
  }
}

async function reloadAndWait(pid: number, logFile: string): Promise<void> {
  const start = await sizeOf(logFile);
  if (!sendSignal(pid, 'SIGHUP')) throw new Fault('CONFIG_NOT_RUNNING', 'nats-server is not running');
  const deadline = performance.now() + RELOAD_MS;
  while (performance.now() < deadline) {
    const log = await readFrom(logFile, start);
    if (/\[INF\] Reloaded server configuration/.test(log)) return;
    const failure = /Failed to reload server configuration: (.*)/.exec(log);
    if (failure !== null) throw new Fault('CONFIG_INVALID', `nats-server refuses the configuration: ${failure[1]}`);
    await sleep(POLL_MS);
  }
  throw new Fault('CONFIG_INVALID', `nats-server did not reload in ${RELOAD_MS} ms (log \`${logFile}\`)`);
}

async function sizeOf(file: string): Promise<number> {
  return (await stat(file).catch(() => undefined))?.size ?? 0;
}

/** What was written to the log since it had that size; all of it when the log was rotated in between. */
async function readFrom(file: string, start: number): Promise<string> {
  const size = await sizeOf(file);
  const from = size < start ? 0 : start;
  if (size === from) return '';
  const handle = await open(file, 'r');
  try {
    const buffer = Buffer.alloc(size - from);
    await handle.read(buffer, 0, buffer.length, from);
    return buffer.toString('utf8');
  } finally {
    await handle.close();
  }
}

function sendSignal(pid: number, signal: 'SIGHUP' | 'SIGTERM' | 'SIGKILL'): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
