import type { CommandBody, JsonObject, Predicate } from '#writ/contracts';
import { HashingEmbedder } from '../../../apps/memory-executor/src/hashing-embedder.js';
import { MemoryRunner } from '../../../apps/memory-executor/src/memory-runner.js';
import { SqlMemoryStore } from '../../../apps/memory-executor/src/sql-memory-store.js';
import { load } from '../load.js';
import { floorOf, OPERATIONS, type Operation } from './floor.js';
import { openStores, type OpenStore } from './stores.js';
import { seeded, textOf } from './texts.js';

const SIZES = [1_000, 10_000] as const;
const LARGE_SIZE = 100_000;
const DIMENSIONS = 384;
const BATCH_RECORDS = 100;
const K = 10;
/** So many calls of each operation; of searches of many records fewer, for each reads all of them. */
const callsOf = (rows: number, operation: Operation): number =>
  operation === 'write' || operation === 'get' ? 200 : Math.max(15, Math.min(200, Math.floor(600_000 / rows)));
/** As policies would let an agent see its own records and those that are public: here it is all of them. */
const FILTER: Predicate = {
  op: 'or',
  args: [
    { op: 'eq', field: 'owner', value: 'mine' },
    { op: 'contains', field: 'labels', value: 'public' },
  ],
};

interface Cost {
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of a call, of this process and of the server together. */
  readonly cpuMs: number;
}

export interface MemoryRow extends Cost {
  readonly store: string;
  readonly rows: number;
  readonly operation: Operation;
  readonly calls: number;
  /** SQL on the same records, without a filter, row-level security, a transaction or an embedder. */
  readonly floor: Cost;
}

/** What an operation of the memory costs, by how many records an agent may see: all of those that there are. */
export async function benchMemory(say: (text: string) => void, isLarge: boolean): Promise<readonly MemoryRow[]> {
  const rows: MemoryRow[] = [];
  for (const open of openStores(say)) {
    const store = await open();
    try {
      for (const size of isLarge ? [...SIZES, LARGE_SIZE] : SIZES) {
        const measured = await measureSize(store, size);
        rows.push(...measured);
        for (const { operation, p50Ms, floor } of measured)
          say(`${store.name}, ${size} records, ${operation}: p50 ${p50Ms} ms, floor ${floor.p50Ms} ms`);
      }
    } finally {
      await store.close();
    }
  }
  return rows;
}

async function measureSize(store: OpenStore, size: number): Promise<readonly MemoryRow[]> {
  const embedder = new HashingEmbedder(DIMENSIONS);
  const runner = new MemoryRunner({ store: await SqlMemoryStore.open(store.database, embedder), embedder });
  const namespace = `of-${size}`;
  const run = (kind: CommandBody['kind'], args: JsonObject) =>
    runner.run(commandOf(namespace, kind, args), new AbortController().signal, () => undefined);
  for (let at = 0; at < size; at += BATCH_RECORDS) {
    const records = Array.from({ length: BATCH_RECORDS }, (_, index) => recordOf(at + index));
    await run('memory.write', { records });
  }
  await store.settle();
  const floor = await floorOf(store.bare, { namespace, embedder, k: K });
  const rows: MemoryRow[] = [];
  for (const operation of OPERATIONS) {
    const calls = callsOf(size, operation);
    const bare = await costOf(store, calls, (n) => floor[operation](n));
    const writ = await costOf(store, calls, async (n) => {
      const [kind, args] = await askedBy(operation, n, embedder);
      await run(kind, args);
    });
    rows.push({ store: store.name, rows: size, operation, ...writ, calls, floor: bare });
  }
  return rows;
}

async function costOf(store: OpenStore, calls: number, call: (n: number) => Promise<void>): Promise<Cost> {
  await call(0);
  const before = await store.cpuMicros();
  const { p50Ms, p99Ms } = await load(calls, 1, call);
  return { p50Ms, p99Ms, cpuMs: Math.round(((await store.cpuMicros()) - before) / calls / 10) / 100 };
}

async function askedBy(
  operation: Operation,
  n: number,
  embedder: HashingEmbedder,
): Promise<[CommandBody['kind'], JsonObject]> {
  const text = textOf(seeded(n + 7));
  switch (operation) {
    case 'write':
      return ['memory.write', { records: [{ ...recordOf(n), id: `again-${n}` }] }];
    case 'get':
      return ['memory.query', { ids: [`r${n}`], k: 1 }];
    case 'vector':
      return ['memory.query', { vector: Array.from((await embedder.embed([text])).vectors[0] ?? []), k: K }];
    case 'text':
    case 'hybrid':
      return ['memory.query', { text, search: operation, k: K }];
  }
}

const recordOf = (n: number) => ({ id: `r${n}`, text: textOf(seeded(n)), labels: [], data: { n } });

function commandOf(namespace: string, kind: CommandBody['kind'], args: JsonObject): CommandBody {
  return {
    tenant: 'default',
    agent: 'mine',
    call: 'bench',
    kind,
    executor: 'memory',
    delivery: 'once',
    pool: 'default',
    resource: namespace,
    dig: 'sha256:0',
    args,
    obligations: [],
    filter: FILTER,
    takeBy: 1,
    finishBy: 2,
    reply: '_R_.x',
  };
}
