import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { Fault } from '#writ/faults';

/** The paths that this process holds: its own id in a lock file cannot tell them from what an earlier process left. */
const held = new Set<string>();

/**
 * Takes a lock that only one process on this machine can hold, and returns how to release it. A lock whose process has ended,
 * however it ended, is taken over. Throws CONFIG_DATA_DIR_LOCKED.
 */
export function takeLock(path: string): () => void {
  for (let attempt = 0; attempt < 3; attempt++) {
    if (create(path)) {
      held.add(path);
      return () => {
        if (held.delete(path)) rmSync(path, { force: true });
      };
    }
    removeIfStale(path);
  }
  throw new Fault('CONFIG_DATA_DIR_LOCKED', `another process is taking the lock \`${path}\``);
}

/** Makes the lock, with its content in it from the first moment. False when there is one. */
function create(path: string): boolean {
  const written = `${path}.new-${process.pid}`;
  try {
    writeFileSync(written, ownMark(), { mode: 0o600 });
    linkSync(written, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw new Fault('CONFIG_DATA_DIR', `the lock \`${path}\` cannot be written`, { cause: error });
  } finally {
    rmSync(written, { force: true });
  }
}

function removeIfStale(path: string): void {
  const mark = readMark(path);
  if (mark === undefined) return;
  if (held.has(path) || isAlive(mark)) {
    throw new Fault('CONFIG_DATA_DIR_LOCKED', `process ${pidOf(mark)} holds the lock \`${path}\``);
  }
  // Of two processes that find the same stale lock one renames it, and sees by its content when it got a new one instead.
  const aside = `${path}.stale-${process.pid}`;
  try {
    renameSync(path, aside);
  } catch {
    return;
  }
  if (readMark(aside) !== mark) renameSync(aside, path);
  else rmSync(aside, { force: true });
}

function readMark(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** The process id with the moment when the process started: ids are used again after a restart of the machine or container. */
function ownMark(): string {
  return `${process.pid} ${startOf(process.pid) ?? '-'}\n`;
}

function pidOf(mark: string): number {
  return Number.parseInt(mark, 10);
}

function isAlive(mark: string): boolean {
  const pid = pidOf(mark);
  // The lock of this very id is not ours, or `held` would know it.
  if (!(pid > 0) || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const start = startOf(pid);
  return start === undefined || mark.trim().endsWith(' -') || mark.trim() === `${pid} ${start}`;
}

/** Boot id and start time of a process where there is a `/proc` to say so. */
function startOf(pid: number): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name of the program, in parentheses, may hold blanks; the start time is the 20th field after it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[19] === undefined ? undefined : `${boot}:${fields[19]}`;
  } catch {
    return undefined;
  }
}
