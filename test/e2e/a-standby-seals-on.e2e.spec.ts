import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { filesBelow } from '#writ/files';
import { readLeaves, verifyLog } from '#writ/tlog';
import { LogFolder } from '../../apps/cli/src/ledger/log-folder.js';
import { SealerHost, type SealerProcess, until } from '../harness/sealer-host.js';

const NAMES = ['ledger-1', 'ledger-2'] as const;
type Name = (typeof NAMES)[number];
/** The shortest that there is, so that a test of a paused owner does not take ten seconds. */
const SETTINGS = { WRIT_SEALER_LEASE_MS: '2000' };
const KILLS = 20;
const SEED = 20_261_122;

describe('of two sealers', () => {
  let host: SealerHost;
  const sealers = new Map<Name, SealerProcess>();
  beforeAll(async () => {
    host = await SealerHost.start([], { instances: { ledger: 2 } });
  }, 60_000);
  afterAll(() => host?.[Symbol.asyncDispose]());

  const start = (name: Name) => sealers.set(name, host.spawn(SETTINGS, name));
  const other = (name: Name): Name => (name === 'ledger-1' ? 'ledger-2' : 'ledger-1');
  const process = (name: Name) => sealers.get(name) as SealerProcess;
  const healthOf = (name: Name) =>
    process(name).isListening
      ? process(name)
          .health()
          .catch(() => undefined)
      : undefined;

  /** Waits until that sealer, or any, owns the log and seals, the paused ones aside; resolves with its name. */
  async function owner(among: readonly Name[] = NAMES): Promise<Name> {
    let found: Name | undefined;
    await until(
      async () => {
        for (const name of among) if ((await healthOf(name))?.ready === true) found = name;
        return found !== undefined;
      },
      'an owner',
      40_000,
    );
    return found as Name;
  }

  /** Both are there, one owns the log, the other one stands by for it. */
  async function untilBoth(): Promise<Name> {
    let owning: Name | undefined;
    await until(
      async () => {
        for (const name of NAMES) {
          const [own, second] = [await healthOf(name), await healthOf(other(name))];
          if (own?.ready === true && second?.standby === true && second.owner === process(name).pid) owning = name;
        }
        return owning !== undefined;
      },
      'an owner and a standby',
      40_000,
    );
    return owning as Name;
  }

  /** What lies there, by hash. The lease is renewed all the time, and a draft is no file of the log. */
  async function files(): Promise<readonly string[]> {
    const found: string[] = [];
    for (const folder of [host.paths.logDir, host.paths.sealerDir]) {
      for await (const path of filesBelow(folder)) {
        if (path.startsWith('drafts/')) continue;
        found.push(
          `${path} ${createHash('sha256')
            .update(await readFile(join(folder, path)))
            .digest('hex')}`,
        );
      }
    }
    return found.toSorted();
  }

  it('that are started at once one owns the log, and the other one stands by, says so, and is not ready', async () => {
    NAMES.forEach(start);
    const owning = await untilBoth();
    await host.write(40);
    const { size } = await host.sealed();
    expect(await healthOf(owning)).toMatchObject({ ready: true, standby: false });
    const standby = await healthOf(other(owning));
    expect(standby).toMatchObject({ ready: false, standby: true, owner: process(owning).pid });
    expect(standby).not.toHaveProperty('head');
    expect(process(other(owning)).stderr).toContain('standing by');
    // One folder for drafts in each directory, and one lease: the standby has none.
    expect(await readdir(join(host.paths.logDir, 'drafts'))).toHaveLength(1);
    expect((await readdir(host.paths.sealerDir)).filter((name) => name.startsWith('lock'))).toEqual(['lock']);
    const texts = await readLeaves({ from: 0, to: size, size }, (path) => readFile(join(host.paths.logDir, path)));
    expect(texts.filter((text) => text.includes('"ledger.opened"'))).toHaveLength(1);
  }, 60_000);

  it('the standby takes over at once when the owner is told to end', async () => {
    const owning = await untilBoth();
    await host.write(20);
    const ended = process(owning).end();
    await ended;
    const endedMs = performance.now();
    expect(await owner([other(owning)])).toBe(other(owning));
    expect(performance.now() - endedMs).toBeLessThan(3_000);
    await host.write(5);
    await host.sealed();
    start(owning);
  }, 60_000);

  it('the standby seals on, in the same history, when the owner is killed under load', async () => {
    const owning = await untilBoth();
    const written = (async () => {
      for (let n = 0; n < 30; n++) await host.write(20);
    })();
    await sleep(100);
    await process(owning).end('SIGKILL');
    const killedMs = performance.now();
    expect(await owner([other(owning)])).toBe(other(owning));
    expect(performance.now() - killedMs).toBeLessThan(5_000);
    await written;
    const head = await host.sealed();
    expect((await host.trees()).get(head.size)).toBe(head.root);
    start(owning);
  }, 60_000);

  it('the standby takes over from an owner that is paused, and the old one wakes up, writes nothing and ends', async () => {
    const owning = await untilBoth();
    await host.write(10);
    process(owning).signal('SIGSTOP');
    const paused = process(owning);
    expect(await owner([other(owning)])).toBe(other(owning));
    await host.write(300);
    const { size } = await host.sealed();
    // The checkpoint is there a moment before its copy under its size, and before partial tiles go: then the new owner is done.
    await until(async () => (await healthOf(other(owning)))?.head?.size === size, 'the end of its work');
    expect(process(other(owning)).stderr).toContain('not heard of any more');
    const before = await files();
    paused.signal('SIGCONT');
    await expect(paused.exit).resolves.toBe(0);
    expect(paused.stderr).toContain('this sealer ends');
    expect(await files()).toEqual(before);
    expect(await healthOf(other(owning))).toMatchObject({ ready: true });
    start(owning);
  }, 60_000);

  it('either is killed again and again, at any moment, and the log has one history in which nothing is missing', async () => {
    let seed = SEED;
    const random = (below: number) => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) % below;
    await untilBoth();
    const over = new AbortController();
    const written = (async () => {
      for (; !over.signal.aborted; await sleep(20)) await host.write(10);
    })();
    for (let kill = 0; kill < KILLS; kill++) {
      await sleep(random(700));
      const name = NAMES[random(2)] ?? 'ledger-1';
      await process(name).end('SIGKILL');
      start(name);
    }
    over.abort();
    await written;
    const head = await host.sealed();
    const roots = await host.trees();
    expect(roots.get(head.size)).toBe(head.root);
    for (const { size, root } of await host.checkpoints()) expect([size, roots.get(size)]).toEqual([size, root]);
    await Promise.all(NAMES.map((name) => process(name).end()));
    const { exit, problems } = await verifyLog(new LogFolder(host.paths.logDir));
    expect([exit, problems.filter((problem) => problem.exit > 0)]).toEqual([10, []]);
  }, 120_000);
});
