import { type ChildProcess, fork } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Agent } from '#writ/agent-sdk';
import { WritConfig } from '#writ/catalogue';
import { subjects } from '#writ/contracts';
import { deploymentPaths, openDeployment, readProfile, startBus } from '#writ/deployment';
import { type Bus, connectBus, findNatsServer } from '#writ/nats';
import { Gateway } from '../harness/gateway.js';
import { packageRoot } from '../harness/package-root.js';
import { cpuOf, perCall } from './cpu.js';
import { load, type LoadResult } from './load.js';

const AGENTS = 16;
const POLICIES = 100;
const TEXT = 'x'.repeat(1_000);
const IN_FLIGHT = [1, 16, 128] as const;
const CALLS: Readonly<Record<number, number>> = { 1: 400, 16: 3_000, 128: 8_000 };

export interface GovernedCallRow {
  readonly inFlight: number;
  readonly callsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuUsPerCall: Readonly<Record<string, number>>;
  readonly floor: {
    readonly callsPerSecond: number;
    readonly p50Ms: number;
    readonly p99Ms: number;
    readonly cpuUsPerCall: Readonly<Record<string, number>>;
  };
}

/**
 * A governed call: a no-op tool with 1 KB of arguments, 100 policies, 16 agents, delivery `once`, payload store and fsync on.
 * Beside it, in the same run, the floor: the same hops and durable appends with no policy and no cryptography.
 */
export async function governedCall(say: (text: string) => void): Promise<readonly GovernedCallRow[]> {
  say('starting Writ');
  const governed = await measureWrit(say);
  say('starting the floor');
  const floor = await measureFloor(say);
  return IN_FLIGHT.map((inFlight, n) => {
    const { calls: _calls, ...row } = governed[n] as Measured;
    const { calls: _floorCalls, ...floorRow } = floor[n] as Measured;
    return { inFlight, ...row, floor: floorRow };
  });
}

type Measured = LoadResult & { readonly cpuUsPerCall: Readonly<Record<string, number>> };

const names = Array.from({ length: AGENTS }, (_, n) => `agent-${n}`);
const config = {
  agents: Object.fromEntries(names.map((name) => [name, { teams: ['workers'] }])),
  tools: {
    noop: {
      kind: 'function',
      function: 'noop',
      input: {
        type: 'object',
        additionalProperties: false,
        required: ['text'],
        properties: { text: { type: 'string' } },
      },
    },
  },
};

function policies(): string {
  const own = names.map(
    (name, n) =>
      `@id("own-${n}")\npermit (principal == Agent::"${name}", action == Action::"noop", resource == Tool::"noop") when { context.input.text like "x*" };`,
  );
  const more = Array.from(
    { length: POLICIES - own.length },
    (_, n) =>
      `@id("more-${n}")\nforbid (principal == Agent::"nobody-${n}", action == Action::"noop", resource == Tool::"noop") when { context.input.text == "${n}" };`,
  );
  return [...own, ...more].join('\n');
}

async function measureWrit(say: (text: string) => void): Promise<readonly Measured[]> {
  await using gateway = await Gateway.start({
    config,
    policies: { 'bench.cedar': policies() },
    env: { WRIT_LOG_LEVEL: 'info' },
  });
  const agents: Agent[] = await Promise.all(names.map((name) => gateway.agent(name)));
  const pids = {
    agent: process.pid,
    'policy-decision': await gateway.pidOf('pdp-1'),
    executor: await gateway.pidOf('exec-tool-1'),
    'nats-server': await gateway.pidOf('nats-server'),
  };
  const call = async (n: number) => void (await agents[n % AGENTS]?.tool('noop', { text: TEXT }));
  return await measure(call, pids, (text) => say(`Writ: ${text}`));
}

async function measureFloor(say: (text: string) => void): Promise<readonly Measured[]> {
  const dataDir = await mkdtemp(join(tmpdir(), 'writ-floor-'));
  const children: ChildProcess[] = [];
  const parsed = WritConfig.parse({ version: 1, ledger: 'writ.test/floor/2026', listen: { port: 0 }, ...config });
  const deployment = await openDeployment({ dataDir, config: parsed });
  const { binary } = await findNatsServer({ packageRoot, log: say, env: process.env });
  const running = await startBus(deployment, { binary });
  try {
    const start = async (user: string) => {
      const child = fork(fileURLToPath(new URL('./floor-process.js', import.meta.url)), [dataDir, running.url, user]);
      children.push(child);
      await new Promise((resolve) => child.once('message', resolve));
      return child.pid ?? 0;
    };
    const pids = {
      agent: process.pid,
      'policy-decision': await start('pdp-1'),
      executor: await start('exec-tool-1'),
      'nats-server': running.server.pid,
    };
    const buses = await Promise.all(names.map((name) => connectAs(dataDir, running.url, name)));
    const call = async (n: number) => {
      const bus = buses[n % AGENTS] as Bus;
      const request = JSON.stringify({ v: 1, call: `c-${n}-${Math.random()}`, tool: 'noop', args: { text: TEXT } });
      await bus.request(subjects.request(names[n % AGENTS] ?? '', 'tool.call'), request, { timeoutMs: 30_000 });
    };
    const measured = await measure(call, pids, (text) => say(`floor: ${text}`));
    await Promise.all(buses.map((bus) => bus.close()));
    return measured;
  } finally {
    for (const child of children) child.kill();
    await running.stop();
    await deployment.close();
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function connectAs(dataDir: string, url: string, name: string): Promise<Bus> {
  const { seed, inboxPrefix } = await readProfile(deploymentPaths(dataDir), name);
  return connectBus({ servers: url, seed, user: name, inboxPrefix });
}

async function measure(
  call: (n: number) => Promise<void>,
  pids: Readonly<Record<string, number>>,
  say: (text: string) => void,
): Promise<readonly Measured[]> {
  // Compilers and caches warm up first.
  await load(1_500, 32, call);
  const rows: Measured[] = [];
  for (const inFlight of IN_FLIGHT) {
    const before = cpuOf(pids);
    const result = await load(CALLS[inFlight] ?? 1_000, inFlight, call);
    const cpu = perCall(before, cpuOf(pids), result.calls);
    const total = Object.values(cpu).reduce((sum, each) => sum + each, 0);
    rows.push({ ...result, cpuUsPerCall: { ...cpu, total } });
    say(`${inFlight} in flight: ${result.callsPerSecond}/s, p50 ${result.p50Ms} ms, ${total} µs CPU a call`);
  }
  return rows;
}

/** The fsync of the machine, for whoever reads the numbers. */
export async function loadAverage(): Promise<string> {
  return readFile('/proc/loadavg', 'utf8').then(
    (text) => text.split(' ').slice(0, 3).join(' '),
    () => 'unknown',
  );
}
