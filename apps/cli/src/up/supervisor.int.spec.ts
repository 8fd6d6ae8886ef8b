import type { Fault } from '#writ/faults';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServiceSpec } from './service-process.js';
import { Supervisor } from './supervisor.js';

/** A service as the supervisor knows it: says ready, answers `/readyz`, ends on SIGTERM and with its supervisor. */
const HEALTHY = `
import { createServer } from 'node:http';
const health = { ready: true, shardsOwned: [0], pools: ['pool.tool.default'] };
const server = createServer((_, response) => response.end(JSON.stringify(health)));
server.listen(0, '127.0.0.1', () => process.send({ ready: true, healthPort: server.address().port }));
process.on('SIGTERM', () => process.exit(0));
process.on('disconnect', () => process.exit(0));
`;
const WAIT_MS = 10_000;

describe('Supervisor', () => {
  let scratch: string;
  let supervisor: Supervisor | undefined;
  let notes: string[];
  let gaveUp: Fault | undefined;
  let changes: number;

  beforeEach(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'writ-up-'));
    [supervisor, notes, gaveUp, changes] = [undefined, [], undefined, 0];
  });
  afterEach(async () => {
    await supervisor?.stop();
    await rm(scratch, { recursive: true, force: true });
  });

  async function service(name: string, source: string): Promise<ServiceSpec> {
    const module = join(scratch, `${name}.mjs`);
    await writeFile(module, source);
    return { name, module, environment: { ...process.env, NODE_OPTIONS: '' }, logFile: join(scratch, `${name}.log`) };
  }

  function supervise(...services: readonly ServiceSpec[]): Supervisor {
    supervisor = new Supervisor({
      services,
      shards: 1,
      pools: ['pool.tool.default'],
      onChange: () => changes++,
      onNote: (line) => notes.push(line),
      onGaveUp: (fault) => (gaveUp = fault),
    });
    supervisor.start();
    return supervisor;
  }

  const ready = (within = WAIT_MS) => supervisor?.ready(within, new AbortController().signal);
  const until = async (holds: () => boolean) => {
    const deadline = performance.now() + WAIT_MS;
    while (!holds() && performance.now() < deadline) await sleep(20);
    expect(holds()).toBe(true);
  };

  it('starts services beside each other and knows when they can work together', async () => {
    const running = supervise(await service('pdp-1', HEALTHY), await service('exec-tool-1', HEALTHY));
    await expect(ready()).resolves.toEqual([]);
    expect(running.processes).toEqual([
      { name: 'pdp-1', pid: expect.any(Number), healthPort: expect.any(Number) },
      { name: 'exec-tool-1', pid: expect.any(Number), healthPort: expect.any(Number) },
    ]);
  });

  it('starts a service again that was killed, under another process id', async () => {
    const running = supervise(await service('pdp-1', HEALTHY));
    await ready();
    const before = running.processes[0]?.pid ?? 0;
    process.kill(before, 'SIGKILL');
    await until(() => (running.processes[0]?.pid ?? before) !== before);
    await expect(ready()).resolves.toEqual([]);
    expect(notes).toEqual(['pdp-1: ended (SIGKILL), starts again in 100 ms']);
    expect(changes).toBeGreaterThanOrEqual(5);
  });

  it('gives up on a service that says it must not start, in the words of the service', async () => {
    const source = `process.stderr.write('POLICY_PARSE: policies/a.cedar:3:1: no\\npolicies/b.cedar:1:1: nor this\\n');
      process.exitCode = 78;`;
    supervise(await service('pdp-1', source));
    await until(() => gaveUp !== undefined);
    expect(gaveUp?.code).toBe('POLICY_PARSE');
    expect(gaveUp?.message).toBe('policies/a.cedar:3:1: no\npolicies/b.cedar:1:1: nor this (service `pdp-1`)');
  });

  it('gives up on a service that never gets ready, and shows what it said last', async () => {
    supervise(await service('pdp-1', `process.stderr.write('Error: it burns\\n'); process.exitCode = 1;`));
    await until(() => gaveUp !== undefined);
    expect(gaveUp?.code).toBe('INTERNAL');
    expect(gaveUp?.message).toContain('it burns');
  });

  it('says what is missing when time is up', async () => {
    supervise(await service('pdp-1', 'setInterval(() => undefined, 1000);'));
    await expect(ready(200)).resolves.toEqual(['`pdp-1` is not ready', 'shard 0 has no owner']);
  });

  it('keeps all of the output in a file and passes warnings and errors on', async () => {
    const grave = JSON.stringify({ level: 50, msg: 'it hurts', detail: 'here' });
    const source = `process.stderr.write('{"level":30,"msg":"fine"}\\n' + ${JSON.stringify(grave)} + '\\n');${HEALTHY}`;
    supervise(await service('pdp-1', source));
    await ready();
    await until(() => notes.length > 0);
    expect(notes).toEqual(['pdp-1: error: it hurts (here)']);
    await supervisor?.stop();
    await expect(readFile(join(scratch, 'pdp-1.log'), 'utf8')).resolves.toContain('fine');
  });

  it('kills what does not end on SIGTERM, and leaves no process', async () => {
    const stubborn = HEALTHY.replace(`process.exit(0)`, 'undefined');
    const running = supervise(await service('pdp-1', stubborn));
    await ready();
    const pid = running.processes[0]?.pid ?? 0;
    const startedMs = performance.now();
    await running.stop();
    expect(performance.now() - startedMs).toBeLessThan(5_000);
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  }, 15_000);
});
