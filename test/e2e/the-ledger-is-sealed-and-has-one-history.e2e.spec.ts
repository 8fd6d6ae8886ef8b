import type { Agent } from '#writ/agent-sdk';
import { readTrustBundle } from '#writ/deployment';
import { NatsBlockLog } from '#writ/ledger-client';
import { ledgerMessages } from '#writ/operator';
import { Authority } from '#writ/signing';
import { Integrator, openCheckpoint, type TreeHead } from '#writ/tlog';
import { cp, readdir, readFile, rm } from 'node:fs/promises';
import { get } from 'node:http';
import { join } from 'node:path';
import { eventually, Gateway } from '../harness/gateway.js';
import { OutsideService } from './outside-service.js';
import { startOffice } from './small-office.js';

describe('the log of a running deployment', () => {
  let outside: OutsideService;
  let gateway: Gateway;
  let alice: Agent;
  let calls = 0;

  beforeAll(async () => {
    outside = await OutsideService.start();
    gateway = await startOffice(outside);
    alice = await gateway.agent('alice');
  }, 120_000);

  afterAll(async () => {
    await gateway?.stop();
    await outside?.[Symbol.asyncDispose]();
  });

  const act = (count: number) =>
    Promise.all(Array.from({ length: count }, () => alice.tool('act', { marker: `sealed-${calls++}` })));

  async function authority(): Promise<Authority> {
    return new Authority(await readTrustBundle(gateway.paths));
  }

  /** Every checkpoint that was ever shown, each opened under the key of the log. */
  async function checkpoints(): Promise<readonly TreeHead[]> {
    const folder = join(gateway.paths.logDir, 'checkpoints');
    const names = (await readdir(folder)).filter((name) => /^[0-9]+$/.test(name));
    const trusted = await authority();
    const notes = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
    const heads = notes.map((note) => openCheckpoint(note, trusted.ledger, trusted.logKeys()));
    return heads.toSorted((a, b) => a.size - b.size);
  }

  async function newest(): Promise<TreeHead> {
    const trusted = await authority();
    const note = await readFile(join(gateway.paths.logDir, 'checkpoint'), 'utf8');
    return openCheckpoint(note, trusted.ledger, trusted.logKeys());
  }

  /** The trees that the stream itself says, by size, computed here from its messages. */
  async function treesOfStream(): Promise<ReadonlyMap<number, string>> {
    const bus = await gateway.service('operator');
    const integrator = new Integrator(await authority());
    const roots = new Map<number, string>();
    for await (const message of ledgerMessages(new NatsBlockLog(bus, '$JS.API'))) {
      integrator.integrate(message);
      roots.set(integrator.size, integrator.root().toString('base64url'));
    }
    await bus.close();
    return roots;
  }

  /** Waits until everything that is in the stream now is under a checkpoint. */
  async function sealed(): Promise<TreeHead> {
    const size = Math.max(...(await treesOfStream()).keys());
    return eventually(async () => {
      const head = await newest();
      return head.size >= size ? head : undefined;
    }, `a checkpoint of ${size} entries`);
  }

  async function health(): Promise<{ readonly ready: boolean; readonly refusal?: string }> {
    const port = (await gateway.processes()).find(({ name }) => name === 'ledger-1')?.healthPort;
    return new Promise((resolve, reject) => {
      get(`http://127.0.0.1:${port}/readyz`, (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (part: string) => (text += part));
        answer.on('end', () => resolve(JSON.parse(text) as { ready: boolean }));
      }).on('error', reject);
    });
  }

  const killed = new Set<number>();

  /** Kills the sealer that runs now, or the next one when it is about to start again: the status may still name a dead one. */
  async function killSealer(): Promise<void> {
    const pid = await eventually(async () => {
      const found = (await gateway.processes()).find(({ name }) => name === 'ledger-1')?.pid;
      return found === undefined || killed.has(found) ? undefined : found;
    }, 'a sealer to kill');
    killed.add(pid);
    gateway.kill(pid);
  }

  it('is asked by the command line to lose its oldest, and says that nothing is old', async () => {
    await sealed();
    const asked = await gateway.cli('ledger', 'prune', '--dry-run', '--json');
    expect(asked).toMatchObject({ status: 0 });
    expect(JSON.parse(asked.stdout)).toEqual({
      isDryRun: true,
      stream: { first: 1, from: 1 },
      log: { first: 0, from: 0 },
      carried: 0,
    });
    const done = await gateway.cli('ledger', 'prune');
    expect(done.stdout).toContain('stream: 0 messages removed; it begins with message 1');
  });

  it('has every entry under a signed checkpoint soon after it was written', async () => {
    await act(20);
    const startedMs = Date.now();
    const { size, root } = await sealed();
    expect(Date.now() - startedMs).toBeLessThan(10_000);
    expect((await treesOfStream()).get(size)).toBe(root);
  });

  it('goes on with the same history, however often its sealer is killed in the middle of work', async () => {
    for (let round = 0; round < 6; round++) {
      const work = act(40);
      await killSealer();
      await work;
    }
    await sealed();
    const trees = await treesOfStream();
    const shown = await checkpoints();
    expect(shown.length).toBeGreaterThan(2);
    for (const { size, root } of shown) expect([size, trees.get(size)]).toEqual([size, root]);
  }, 120_000);

  describe('when somebody changed what it rests on', () => {
    let backup: string;

    beforeAll(async () => {
      await sealed();
      await gateway.stop({ keep: true });
      backup = join(gateway.directory, 'backup');
      await cp(gateway.paths.dataDir, backup, { recursive: true });
      gateway = await Gateway.startIn(gateway.directory);
      alice = await gateway.agent('alice');
      await act(5);
      await sealed();
      await gateway.stop({ keep: true });
    }, 180_000);

    /** Starts over changed files, looks, and puts everything back. */
    async function startedOver(
      change: () => Promise<void>,
    ): Promise<{ refusal: string; head: TreeHead; answered: boolean }> {
      const before = await newest();
      const intact = join(gateway.directory, 'intact');
      await cp(gateway.paths.dataDir, intact, { recursive: true });
      await change();
      gateway = await Gateway.startIn(gateway.directory);
      try {
        const { refusal = '' } = await health();
        alice = await gateway.agent('alice');
        const answered = await act(1).then(
          () => true,
          () => false,
        );
        const head = await newest().catch(() => before);
        return { refusal, head, answered };
      } finally {
        await gateway.stop({ keep: true });
        await rm(gateway.paths.dataDir, { recursive: true });
        await cp(intact, gateway.paths.dataDir, { recursive: true });
        await rm(intact, { recursive: true });
      }
    }

    const restore =
      (...parts: readonly string[]) =>
      async () => {
        for (const part of parts) {
          await rm(join(gateway.paths.dataDir, part), { recursive: true });
          await cp(join(backup, part), join(gateway.paths.dataDir, part), { recursive: true });
        }
      };

    it('signs nothing more when the streams were restored from an old backup, says why, and calls go on', async () => {
      const before = await newest();
      const { refusal, head, answered } = await startedOver(restore('nats/store'));
      expect(refusal).toMatch(/^LEDGER_INTEGRITY: /);
      expect(refusal).toMatch(/cut or restored|another stream/);
      expect(answered).toBe(true);
      expect(head.size).toBeLessThanOrEqual(before.size);
    }, 120_000);

    it('goes on when nothing was changed', async () => {
      const before = await newest();
      gateway = await Gateway.startIn(gateway.directory);
      alice = await gateway.agent('alice');
      await act(1);
      const { size, root } = await sealed();
      expect(size).toBeGreaterThan(before.size);
      expect((await treesOfStream()).get(size)).toBe(root);
    }, 120_000);
  });
});
