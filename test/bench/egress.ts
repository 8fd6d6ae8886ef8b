import { fork } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { proxyToken } from '#writ/agent-sdk';
import { readProfile } from '#writ/deployment';
import { makeCertificates } from '../harness/certificates.js';
import { Gateway } from '../harness/gateway.js';
import { findSquid, Squid } from '../harness/squid.js';
import { cpuOf, perCall } from './cpu.js';
import { type Client, type How, type Proxy, sdkClient, type Service, undiciClient } from './egress-clients.js';
import { type EgressRow, type Measured, withRatios } from './egress-rows.js';
import { loadFor } from './load.js';

const HOWS: readonly How[] = ['http', 'https-kept', 'https-each'];
const IN_FLIGHT = [1, 16, 64] as const;
const FIRST_WARM_UP_MS = 3_000;
const WARM_UP_MS = 500;
const MEASURE_MS = 3_000;
const AGENT = 'program';

/** One way to the service, and the processes whose time it takes; the service's own is not counted. */
interface Way {
  readonly through: Measured['through'];
  readonly how: How;
  readonly open: () => Client;
  readonly pids: Readonly<Record<string, number>>;
}

/**
 * Requests for 1 KB of one service on this machine: by undici itself, through Squid where it is installed, through the egress proxy, and by
 * the SDK. All ways take turns at each number of requests in flight, so that what else the machine does falls on all of them.
 */
export async function benchEgress(say: (text: string) => void): Promise<readonly object[]> {
  const directory = await mkdtemp(join(tmpdir(), 'writ-bench-egress-'));
  try {
    await using service = await startService(directory);
    await using gateway = await startWrit(service);
    const root = findSquid();
    await using squid = root === undefined ? undefined : await Squid.start(root, directory);
    const ways = [...waysWithout(service, squid), ...(await waysOfWrit(service, gateway))];
    say('warming up');
    // Compilers and caches of all processes; with many in flight, because Writ's code runs warm only after hundreds of calls.
    for (const way of ways) await measure(way, 64, FIRST_WARM_UP_MS);
    const rows: Measured[] = [];
    for (const inFlight of IN_FLIGHT) {
      for (const way of ways) {
        const row = await measure(way, inFlight, MEASURE_MS);
        rows.push(row);
        say(told(row));
      }
    }
    const skipped = { through: 'squid', skipped: 'squid is not installed' };
    if (squid === undefined) say(`squid: skipped: ${skipped.skipped}`);
    const measured: readonly EgressRow[] = withRatios(rows);
    return squid === undefined ? [...measured, skipped] : measured;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function startService(directory: string): Promise<Service & AsyncDisposable> {
  if (!makeCertificates(directory))
    throw new Error('openssl 3 makes the certificates of this benchmark, and is not installed');
  const child = fork(new URL('./egress-service.js', import.meta.url), [directory]);
  const ports = await new Promise<{ readonly http: number; readonly https: number }>((resolve, reject) => {
    child.once('message', (message: { readonly http: number; readonly https: number }) => resolve(message));
    child.once('exit', () => reject(new Error('the service of the benchmark did not start')));
  });
  return {
    http: `http://localhost:${ports.http}`,
    https: `https://localhost:${ports.https}`,
    ca: await readFile(join(directory, 'ca.pem'), 'utf8'),
    [Symbol.asyncDispose]: () => Promise.resolve(void child.kill()),
  };
}

function startWrit({ http, https }: Service): Promise<Gateway> {
  const toAll = (action: string) =>
    `@id("${action}")\npermit (principal == Agent::"${AGENT}", action == Action::"${action}", resource);\n`;
  return Gateway.start({
    config: {
      agents: { [AGENT]: {} },
      egressProxy: { listen: { port: 0 }, requestsPerAgentMax: 200, tunnelsPerAgentMax: 200 },
      destinations: {
        plain: { origin: http, internal: true },
        secure: { origin: https, internal: true, tunnel: {} },
      },
    },
    policies: { 'bench.cedar': toAll('fetch') + toAll('connect') },
    env: { WRIT_LOG_LEVEL: 'info' },
  });
}

function waysWithout(service: Service, squid: Squid | undefined): readonly Way[] {
  const ways = HOWS.map<Way>((how) => ({
    through: 'direct',
    how,
    open: () => undiciClient(how, service),
    pids: { client: process.pid },
  }));
  if (squid === undefined) return ways;
  const { pid, url } = squid;
  const throughSquid = HOWS.map<Way>((how) => ({
    through: 'squid',
    how,
    open: () => undiciClient(how, service, { url }),
    pids: { client: process.pid, proxy: pid },
  }));
  return [...ways, ...throughSquid];
}

async function waysOfWrit(service: Service, gateway: Gateway): Promise<readonly Way[]> {
  const processes = await gateway.processes();
  const pids = {
    client: process.pid,
    supervisor: gateway.pid,
    ...Object.fromEntries(processes.map(({ name, pid }) => [name, pid])),
  };
  const proxy = await proxyOf(gateway);
  const agent = await gateway.agent(AGENT);
  return [
    ...HOWS.map<Way>((how) => ({ through: 'writ', how, open: () => undiciClient(how, service, proxy), pids })),
    { through: 'writ-sdk', how: 'http', open: () => sdkClient(agent, service), pids },
  ];
}

async function proxyOf(gateway: Gateway): Promise<Proxy> {
  const found = (await gateway.processes()).find(({ name }) => name === 'egress-proxy-1');
  const health = await fetch(`http://127.0.0.1:${found?.healthPort}/readyz`);
  const { proxyPort } = (await health.json()) as { readonly proxyPort: number };
  const token = proxyToken(await readProfile(gateway.paths, AGENT));
  return {
    url: `http://127.0.0.1:${proxyPort}`,
    authorization: `Basic ${Buffer.from(`${AGENT}:${token}`).toString('base64')}`,
  };
}

async function measure({ through, how, open, pids }: Way, inFlight: number, ms: number): Promise<Measured> {
  const client = open();
  try {
    await loadFor(WARM_UP_MS, inFlight, () => client.get());
    await settled(pids);
    const before = cpuOf(pids);
    const { calls, callsPerSecond, ...latency } = await loadFor(ms, inFlight, () => client.get());
    // What is sealed and integrated behind the answers belongs to the requests, and not to whoever is measured next.
    await settled(pids);
    const cpuUsPerRequest = byRole(perCall(before, cpuOf(pids), calls));
    return { through, how, inFlight, requestsPerSecond: callsPerSecond, ...latency, cpuUsPerRequest };
  } finally {
    await client.close();
  }
}

/** Resolves when the processes do next to nothing, or after five seconds. */
async function settled(pids: Readonly<Record<string, number>>): Promise<void> {
  const used = () => Object.values(cpuOf(pids)).reduce((sum, each) => sum + each, 0);
  for (let at = 0, before = used(); at < 25; at++) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    const after = used();
    if (after - before <= 30_000) return;
    before = after;
  }
}

function byRole(cpu: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  const roles: Record<string, number> = {};
  for (const [name, micros] of Object.entries(cpu)) roles[roleOf(name)] = (roles[roleOf(name)] ?? 0) + micros;
  return { ...roles, total: Object.values(cpu).reduce((sum, each) => sum + each, 0) };
}

function roleOf(name: string): string {
  if (name === 'client' || name === 'proxy' || name === 'nats-server') return name;
  if (name.startsWith('egress-proxy')) return 'proxy';
  if (name.startsWith('pdp')) return 'policy-decision';
  return name.startsWith('exec-egress') ? 'executor' : 'others';
}

function told({ through, how, inFlight, requestsPerSecond, p99Ms, cpuUsPerRequest }: Measured): string {
  return `${inFlight} in flight, ${through}, ${how}: ${requestsPerSecond}/s, p99 ${p99Ms} ms, ${cpuUsPerRequest['total']} µs CPU a request`;
}
