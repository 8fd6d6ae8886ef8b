import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { acquireLease, type Lease, type LeaseHolder } from './lease.js';

const LONG_MS = 60_000;
let directory: string;
let file: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'writ-lease-'));
  file = join(directory, 'lock');
});
afterEach(() => rm(directory, { recursive: true }));

/** Somebody who asks for the lease. */
function asking(lapseMs: number) {
  const stop = new AbortController();
  const lapsed: LeaseHolder[] = [];
  let waiting = (_holder: LeaseHolder) => {};
  const waits = new Promise<LeaseHolder>((resolve) => (waiting = resolve));
  const lease = acquireLease(file, {
    lapseMs,
    signal: stop.signal,
    onWaiting: waiting,
    onLapsed: (holder) => lapsed.push(holder),
  });
  return { lease, waits, lapsed, stop: () => stop.abort() };
}

async function taken(lapseMs = LONG_MS): Promise<Lease> {
  return (await asking(lapseMs).lease) as Lease;
}

/** The lease of this process as somebody else would have written it. */
async function heldBy(change: (fields: string[]) => string[]): Promise<void> {
  const own = await taken();
  const fields = (await readFile(file, 'utf8')).trim().split(' ');
  await own.release();
  await writeFile(file, `${change(fields).join(' ')}\n`);
}

describe('a lease', () => {
  it('is one process’s until it is released; who waits for it knows for whom, and writes nothing', async () => {
    const first = await taken();
    const second = asking(LONG_MS);
    await expect(second.waits).resolves.toEqual({ pid: process.pid });
    expect(await readdir(directory)).toEqual(['lock']);
    await expect(first.renew()).resolves.toBe(true);
    await first.release();
    const lease = (await second.lease) as Lease;
    await expect(lease.renew()).resolves.toBe(true);
    await expect(first.renew()).resolves.toBe(false);
    expect(second.lapsed).toEqual([]);
    // Whoever held it before cannot release it for the other one.
    await first.release();
    await expect(lease.renew()).resolves.toBe(true);
  });

  it('of a process of this machine that ended is free at once', async () => {
    await heldBy(([, ...rest]) => ['4194999', ...rest]);
    await expect((await taken()).renew()).resolves.toBe(true);
  });

  it('of a number that now belongs to another process is free at once', async () => {
    await heldBy(([pid = '', , ...rest]) => [pid, '1', ...rest]);
    await expect((await taken()).renew()).resolves.toBe(true);
  });

  it('of another machine is not taken for that of a process here, and is free when nothing is heard of it', async () => {
    await heldBy(([, start = '', part = '']) => ['4194999', start, part, 'another-boot/pid:[1]']);
    const { lease, waits, lapsed } = asking(500);
    await expect(waits).resolves.toEqual({ pid: undefined });
    await expect(((await lease) as Lease).renew()).resolves.toBe(true);
    expect(lapsed).toEqual([{ pid: undefined }]);
  });

  it('of a process that lives and says nothing more is free when its time is over, and one that is renewed is not', async () => {
    const first = await taken();
    const renewal = setInterval(() => void first.renew(), 50);
    const patient = asking(600);
    await patient.waits;
    const early = await Promise.race([patient.lease, new Promise((resolve) => setTimeout(resolve, 1_500, 'waiting'))]);
    expect(early).toBe('waiting');
    clearInterval(renewal);
    await expect(((await patient.lease) as Lease).renew()).resolves.toBe(true);
    expect(patient.lapsed).toEqual([{ pid: process.pid }]);
    await expect(first.renew()).resolves.toBe(false);
  });

  it('is nobody’s who stopped waiting', async () => {
    const first = await taken();
    const second = asking(LONG_MS);
    await second.waits;
    second.stop();
    await expect(second.lease).resolves.toBeUndefined();
    await expect(first.renew()).resolves.toBe(true);
  });

  it('that cannot be read or made says so', async () => {
    file = join(directory, 'missing', 'lock');
    await expect(asking(LONG_MS).lease).rejects.toMatchObject({ code: 'CONFIG_DATA_DIR' });
    await writeFile(join(directory, 'missing'), '');
    await expect(asking(LONG_MS).lease).rejects.toMatchObject({ code: 'CONFIG_DATA_DIR' });
  });
});
