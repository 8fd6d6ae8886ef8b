import { readFile } from 'node:fs/promises';
import { eventually, Gateway, runCli } from '../harness/gateway.js';
import { join } from 'node:path';
import { OutsideService } from './outside-service.js';
import { startOffice, storyOf } from './small-office.js';

const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

describe('writ up', () => {
  let outside: OutsideService;
  let gateway: Gateway;

  beforeAll(async () => {
    outside = await OutsideService.start();
    const destinations = { outside: { origin: outside.url, internal: true } };
    gateway = await startOffice(outside, { config: { namespaces: { notes: {} }, destinations } });
  }, 120_000);

  afterAll(async () => {
    await gateway?.stop();
    await outside?.[Symbol.asyncDispose]();
  });

  async function pids(): Promise<readonly number[]> {
    return [gateway.pid, ...(await gateway.processes()).map(({ pid }) => pid)];
  }

  it('runs nats-server and every service as a process of its own', async () => {
    const names = (await gateway.processes()).map(({ name }) => name);
    expect(names).toEqual(['nats-server', 'pdp-1', 'exec-tool-1', 'exec-memory-1', 'exec-egress-1', 'ledger-1']);
    expect((await pids()).every(isAlive)).toBe(true);
  });

  it('starts a service again that died', async () => {
    const before = await gateway.pidOf('exec-egress-1');
    gateway.kill(before);
    const again = await eventually(async () => {
      const now = (await gateway.processes()).find(({ name }) => name === 'exec-egress-1');
      return now !== undefined && now.pid !== before && now.healthPort !== null ? now : undefined;
    }, 'a new executor');
    expect(isAlive(again.pid)).toBe(true);
  });

  it('ends with status 69 when nats-server is killed, and leaves nothing running', async () => {
    const alice = await gateway.agent('alice');
    await alice.tool('act', { marker: 'before' }, { call: 'before' });
    const running = await pids();
    gateway.kill(await gateway.pidOf('nats-server'));
    await eventually(async () => (running.some(isAlive) ? undefined : true), 'the end of every process');
    await expect(gateway.stop({ keep: true })).resolves.toMatchObject({ status: 69 });
    await expect(readFile(join(gateway.paths.runDir, 'status.json'))).rejects.toThrow();
  });

  it('goes on over the same data: calls are known, the ledger is whole, and new calls are served', async () => {
    gateway = await Gateway.startIn(gateway.directory);
    const alice = await gateway.agent('alice');
    await expect(alice.tool('act', { marker: 'before' }, { call: 'before' })).resolves.toMatchObject({
      output: { done: true },
    });
    await alice.tool('act', { marker: 'after' }, { call: 'after' });
    await expect(storyOf(gateway, 'before')).resolves.toEqual(['tool.call.decided', 'tool.call.completed']);
    expect(outside.countOf('before')).toBe(1);
    const directory = join(gateway.directory, 'export');
    expect(await gateway.cli('ledger', 'export', directory)).toMatchObject({ status: 0 });
    expect(await runCli(['ledger', 'verify', directory])).toMatchObject({ status: 10 });
  }, 60_000);

  it('stops within five seconds, with a slow call under way, and leaves nothing running', async () => {
    const alice = await gateway.agent('alice');
    void alice.tool('act.slowly', { marker: 'under-way' }).catch(() => undefined);
    await eventually(async () => (outside.countOf('under-way') === 1 ? true : undefined), 'the effect');
    const running = await pids();
    const { status, ms } = await gateway.stop();
    expect(status).toBe(0);
    expect(ms).toBeLessThan(5_000);
    expect(running.filter(isAlive)).toEqual([]);
  });
});
