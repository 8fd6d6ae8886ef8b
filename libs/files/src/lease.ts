import { messageOf, Fault } from '#writ/faults';
import { open, readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { create, holderOf, ownMark, release, takeAway } from './lock.js';

/** A lock whose holder has to say again and again that it is at work. */
export interface Lease {
  /** Says so. False when the lease is somebody else's by now. Rejects when the file cannot be reached. */
  renew(): Promise<boolean>;
  release(): Promise<void>;
}

/** Who holds a lease: the number of its process, where that is one of this machine. */
export interface LeaseHolder {
  readonly pid: number | undefined;
}

export interface LeaseOptions {
  /** A holder that was not heard of for so long has lost it, in milliseconds. */
  readonly lapseMs: number;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
  /** Told once of each holder that is waited for. */
  readonly onWaiting: (holder: LeaseHolder) => void;
  /** Told when the lease of a holder is taken that did not end and was not heard of. */
  readonly onLapsed: (holder: LeaseHolder) => void;
}

const LOOK_EVERY_MS = 100;

/**
 * Waits for the lease and takes it: when there is none, when its holder is a process of this machine that ended, and when the holder
 * was not heard of for `lapseMs`. Undefined when the waiting was ended. Nothing is written while somebody holds it. A holder that was
 * paused can wake up after its lease was taken, so the lease alone guards nothing: it says whose turn it is. Throws CONFIG_DATA_DIR
 * when the file cannot be read or made.
 */
export async function acquireLease(file: string, options: LeaseOptions): Promise<Lease | undefined> {
  const { lapseMs, signal, onWaiting, onLapsed } = options;
  const machine = await machineId();
  const mine = `${await ownMark()} ${machine}\n`;
  const silence = new Silence();
  let told: string | undefined;
  while (!signal.aborted) {
    const found = await look(file);
    if (found === undefined) {
      if (await create(file, mine)) return { renew: () => renew(file, mine), release: () => release(file, mine) };
      continue;
    }
    const { text } = found;
    const isHere = text.trim().split(' ')[3] === machine;
    const pid = isHere ? await holderOf(text) : undefined;
    const isLapsed = silence.after(`${text}${found.renewed}`) >= lapseMs;
    if (isLapsed || (isHere && pid === undefined)) {
      if (isLapsed) onLapsed({ pid });
      await takeAway(file, text);
      continue;
    }
    if (told !== text) onWaiting({ pid });
    told = text;
    await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
  return undefined;
}

/** For how long the same was seen, by a clock of this process: clocks of two machines are not compared. */
class Silence {
  #seen: string | undefined;
  #ms = 0;
  #lookedMs = performance.now();

  after(seen: string): number {
    const nowMs = performance.now();
    // Whoever slept itself heard nothing meanwhile: that is no silence of the other one.
    const sinceMs = Math.min(nowMs - this.#lookedMs, 2 * LOOK_EVERY_MS);
    this.#ms = seen === this.#seen ? this.#ms + sinceMs : 0;
    this.#seen = seen;
    this.#lookedMs = nowMs;
    return this.#ms;
  }
}

/** The text of the lease and when it was renewed last; undefined when there is none. */
async function look(file: string): Promise<{ readonly text: string; readonly renewed: bigint } | undefined> {
  try {
    const handle = await open(file, 'r');
    try {
      const { mtimeNs } = await handle.stat({ bigint: true });
      return { text: await handle.readFile('utf8'), renewed: mtimeNs };
    } finally {
      await handle.close();
    }
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Fault('CONFIG_DATA_DIR', `the lease \`${file}\` cannot be read: ${messageOf(cause)}`, { cause });
  }
}

async function renew(file: string, mine: string): Promise<boolean> {
  const handle = await open(file, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (handle === undefined) return false;
  try {
    if ((await handle.readFile('utf8')) !== mine) return false;
    // By the open file: whoever slept since it was read says nothing on behalf of the holder who came after it.
    const now = new Date();
    await handle.utimes(now, now);
    return true;
  } finally {
    await handle.close();
  }
}

/** Where numbers of processes mean the same: this boot of this kernel, and this container. */
async function machineId(): Promise<string> {
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => hostname());
  const processes = await readlink('/proc/self/ns/pid').catch(() => '-');
  return `${boot.trim()}/${processes}`;
}
