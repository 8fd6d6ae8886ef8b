import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WritConfig } from '#writ/catalogue';
import { LEDGER_API_PREFIX, subjects } from '#writ/contracts';
import {
  deploymentPaths,
  openDeployment,
  readBusSeed,
  readPayloadKey,
  readSigningKey,
  readTrustBundle,
  startBus,
} from '#writ/deployment';
import { BlockWriter, NatsBlockLog, NatsPayloadLog, PayloadSealer } from '#writ/ledger-client';
import { connectBus, findNatsServer } from '#writ/nats';
import { Authority } from '#writ/signing';
import { packageRoot } from '../harness/package-root.js';
import { cpuOf, perCall } from './cpu.js';
import { FloorWriter } from './floor-writer.js';
import { load, type LoadResult } from './load.js';

const IN_FLIGHT = [1, 16, 128, 1_024] as const;
const CALLS: Readonly<Record<number, number>> = { 1: 1_000, 16: 8_000, 128: 30_000, 1024: 60_000 };
const VALUE = 'x'.repeat(500);

export interface AppendRow extends LoadResult {
  readonly inFlight: number;
  readonly cpuUsPerEntry: Readonly<Record<string, number>>;
  readonly floor: LoadResult & { readonly cpuUsPerEntry: Readonly<Record<string, number>> };
}

/** Entries made durable by one producer: signed blocks and encrypted values, beside the same appends in plain. */
export async function benchAppend(say: (text: string) => void): Promise<readonly AppendRow[]> {
  const dataDir = await mkdtemp(join(tmpdir(), 'writ-append-'));
  const config = WritConfig.parse({ version: 1, ledger: 'writ.test/append/2026', listen: { port: 0 } });
  const deployment = await openDeployment({ dataDir, config });
  const { binary } = await findNatsServer({ packageRoot, log: say, env: process.env });
  const running = await startBus(deployment, { binary });
  const paths = deploymentPaths(dataDir);
  const connect = async (user: string) =>
    connectBus({
      servers: running.url,
      seed: (await readBusSeed(paths, user)).seed,
      user,
      inboxPrefix: subjects.inboxPrefix(user),
    });
  try {
    const bus = await connect('pdp-1');
    const floorBus = await connect('exec-tool-1');
    const payloads = new NatsPayloadLog(bus, LEDGER_API_PREFIX);
    const authority = new Authority(await readTrustBundle(paths));
    const writer = await BlockWriter.open({
      blocks: new NatsBlockLog(bus, LEDGER_API_PREFIX),
      values: {
        payloads,
        sealer: new PayloadSealer(payloads, await readPayloadKey(paths), { tenant: 'default', producer: 'pdp-0' }),
      },
      key: await readSigningKey(paths.producerKey('pdp-1')).then((key) => () => key),
      ledger: config.ledger,
      tenant: config.tenant,
      producer: 'pdp-0',
      authority: () => authority,
      now: Date.now,
      sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    });
    const floorWriter = new FloorWriter(floorBus, 'exec-tool-1');
    const value = { path: '/in', salt: 'A'.repeat(22), value: VALUE };
    const append = async () =>
      void (await writer.append(
        { type: 'request.refused', who: { agent: 'bench' }, act: { kind: 'x' }, why: { code: 'BENCH' }, n: 1 },
        [value],
      ));
    const line = JSON.stringify({ entry: 'x'.repeat(300) });
    const plain = async () => void (await floorWriter.append(line, VALUE));
    const pids = { producer: process.pid, 'nats-server': running.server.pid };
    const rows: AppendRow[] = [];
    for (const inFlight of IN_FLIGHT) {
      const measured = await measure(append, inFlight, pids);
      const floor = await measure(plain, inFlight, pids);
      rows.push({ inFlight, ...measured, floor });
      say(`${inFlight} in flight: ${measured.callsPerSecond} entries/s, floor ${floor.callsPerSecond}`);
    }
    await Promise.all([bus.close(), floorBus.close()]);
    return rows;
  } finally {
    await running.stop();
    await deployment.close();
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function measure(call: () => Promise<void>, inFlight: number, pids: Readonly<Record<string, number>>) {
  await load(500, inFlight, call);
  const before = cpuOf(pids);
  const result = await load(CALLS[inFlight] ?? 1_000, inFlight, call);
  return { ...result, cpuUsPerEntry: perCall(before, cpuOf(pids), result.calls) };
}
