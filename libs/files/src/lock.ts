import { Fault } from '#writ/faults';
import { randomBytes } from 'node:crypto';
import { link, open, readFile, rename, rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** A lock that this process holds. */
export interface Lock {
  release(): Promise<void>;
}

const RETRY_MS = 20;
/** What /proc says of a process that has ended and that its parent has not asked about yet. */
const ENDED: ReadonlySet<string> = new Set(['Z', 'X']);

/**
 * Takes the lock file, or throws CONFIG_DATA_DIR_LOCKED when a living process keeps it for longer than `waitMs`. The lock of a
 * process that died is taken over.
 */
export async function acquireLock(file: string, waitMs = 0): Promise<Lock> {
  const deadline = performance.now() + waitMs;
  const mine = `${await ownMark()}\n`;
  for (;;) {
    if (await create(file, mine)) return { release: () => release(file, mine) };
    const theirs = await readFile(file, 'utf8').catch(() => undefined);
    if (theirs === undefined) continue;
    const pid = await holderOf(theirs);
    if (pid === undefined) await takeAway(file, theirs);
    else if (performance.now() >= deadline) {
      throw new Fault('CONFIG_DATA_DIR_LOCKED', `process ${pid} uses the data directory (lock \`${file}\`)`);
    } else await sleep(RETRY_MS);
  }
}

/** What this process writes into a lock: its id, when it started, and a part that no other lock has. */
export async function ownMark(): Promise<string> {
  return `${process.pid} ${(await statOf(process.pid)).start} ${randomBytes(6).toString('hex')}`;
}

/** Makes the lock file with that text; false when there is one. Throws CONFIG_DATA_DIR when the disk does not take it. */
export async function create(file: string, text: string): Promise<boolean> {
  // Written aside and linked, so that nobody ever sees a lock without its holder.
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  try {
    const handle = await open(draft, 'wx', 0o600);
    await handle.writeFile(text);
    await handle.close();
    await link(draft, file);
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw new Fault('CONFIG_DATA_DIR', `the lock \`${file}\` cannot be written`, { cause });
  } finally {
    await rm(draft, { force: true });
  }
}

/** Removes the lock when it is the one with that text. */
export async function release(file: string, mine: string): Promise<void> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === mine) await takeAway(file, mine);
}

/** The process that holds the lock; undefined when it is gone, also when its number now belongs to another process. */
export async function holderOf(text: string): Promise<number | undefined> {
  const [pid, start] = text.trim().split(' ');
  const id = Number(pid);
  if (!Number.isSafeInteger(id) || id <= 0) return undefined;
  try {
    process.kill(id, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return undefined;
  }
  const found = await statOf(id);
  return found.start === start && !ENDED.has(found.state) ? id : undefined;
}

/** Removes a lock that nobody holds any more. What was renamed is looked at again: another process may have been quicker. */
export async function takeAway(file: string, dead: string): Promise<void> {
  const aside = `${file}.${randomBytes(6).toString('hex')}`;
  try {
    await rename(file, aside);
  } catch {
    return;
  }
  if ((await readFile(aside, 'utf8')) !== dead) await link(aside, file).catch(() => undefined);
  await rm(aside, { force: true });
}

/** The state of a process and when it started, in the kernel's own count; `-` each where the system has no /proc. */
async function statOf(pid: number): Promise<{ readonly state: string; readonly start: string }> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  // The second field is the name in brackets and may hold anything; the start time is the 20th behind it.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? [];
  return { state: fields[0] ?? '-', start: fields[19] ?? '-' };
}
