import { loadCatalogue } from '#writ/catalogue';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { startTestBus, type TestBus } from '../harness/bus.js';
import { DecisionDesk } from '../harness/decision-desk.js';
import { DyingExecutors } from '../harness/dying-executors.js';
import { idOf, type Plan, planOf, STEPS } from '../harness/dying-step.js';
import { until } from '../harness/sealer-host.js';

/** A share of the proof: each step of each kind of delivery once. `WRIT_KILLS=1000` is the whole. */
const KILLS = Number(process.env['WRIT_KILLS'] ?? 2 * STEPS.length);
const SEED = Number(process.env['WRIT_KILLS_SEED'] ?? 20_261_123);
/** Time that a process may take to start, and a command to come again, on a machine that others use too. */
const PATIENCE_MS = 120_000 + KILLS * 5_000;
const KINDS = ['once', 'retry'] as const;
const CASES = KINDS.length * STEPS.length;
/** Short for a call that may end by time; long for one that other executors must have the time to finish. */
const TERMS = {
  once: { tool: 'once', takeWithinMs: 3_000, finishWithinMs: 4_000 },
  retry: { tool: 'retry', takeWithinMs: 30_000, finishWithinMs: 90_000 },
} as const;
const INSTANCES = ['exec-tool-1', 'exec-tool-2', 'exec-tool-3', 'exec-tool-4'];

/** A service outside of Writ that does something at each request, and counts it by call. */
async function startService() {
  const effects = new Map<string, number>();
  const server = createServer((request, response) => {
    const call = (request.url ?? '').split('/').at(-1) ?? '';
    effects.set(call, (effects.get(call) ?? 0) + 1);
    // A moment, in which the executor waits.
    setTimeout(() => response.writeHead(200, { 'content-type': 'application/json' }).end('{"done":true}'), 5);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { effects, url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: close };
}

type Case = Pick<Plan, 'delivery' | 'step'>;

/** Gives calls their ids, which name the steps: every step of both kinds before any again, in an order that the seed gives. */
class Planner {
  #state = SEED;
  #n = 0;
  #left: Case[] = [];

  /** The id of the next call. A case that was planned in vain goes first. */
  next(again?: Case): string {
    if (this.#left.length === 0) this.#left = STEPS.flatMap((step) => KINDS.map((delivery) => ({ delivery, step })));
    const [drawn] = again === undefined ? this.#left.splice(this.#random(this.#left.length), 1) : [again];
    if (drawn === undefined) throw new Error('there is always a case');
    return idOf({ ...drawn, n: this.#n++, turns: this.#random(5) });
  }

  #random(below: number): number {
    this.#state = (this.#state * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((this.#state / 2 ** 31) * below);
  }
}

interface Found {
  readonly call: string;
  readonly ends: readonly string[];
  readonly effects: number;
  readonly died: string | undefined;
}

/** How many calls there were of each kind, by where their executor died, how they ended and how often the service acted. */
function summaryOf(found: readonly Found[], kills: number): string {
  const counts = new Map<string, number>();
  for (const { call, ends, effects, died } of found) {
    const row = `${planOf(call)?.delivery} died at ${died ?? 'no step of its own'}: ${ends.join(' + ')}, effects ${effects}`;
    counts.set(row, (counts.get(row) ?? 0) + 1);
  }
  const rows = [...counts].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([row, count]) => `${count} ${row}`);
  return [`${kills} kills, ${found.length} calls, seed ${SEED}`, ...rows].join('\n');
}

describe('executors that are killed at every step', () => {
  let directory: string;
  let bus: TestBus;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'writ-killed-'));
  });
  afterAll(async () => {
    await bus?.[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  });

  async function openBus(url: string) {
    const tool = { kind: 'http', method: 'POST', internal: true, input: { properties: { call: { type: 'string' } } } };
    const required = { ...tool.input, required: ['call'] };
    const config = {
      instances: { executors: INSTANCES.length },
      tools: {
        once: { ...tool, input: required, url: `${url}/once/{call}` },
        retry: { ...tool, input: required, url: `${url}/retry/{call}`, idempotent: true },
      },
    };
    const dataDir = join(directory, 'data');
    bus = await startTestBus({ dataDir, config });
    const file = join(directory, 'writ.yaml');
    await writeFile(file, stringify({ version: 1, ledger: 'test.example/default/0', ...config }));
    const env = { WRIT_CONFIG: file, WRIT_DATA: dataDir, WRIT_NATS_URL: bus.url };
    return { catalogue: await loadCatalogue(file, {}), env };
  }

  it(
    `act at most once, and every call has one end: EXECUTOR-01 (${KILLS} kills; WRIT_KILLS sets how many)`,
    async () => {
      await using service = await startService();
      const { catalogue, env } = await openBus(service.url);
      await using desk = await DecisionDesk.open(bus, catalogue);
      await using executors = new DyingExecutors(INSTANCES, env);
      const planner = new Planner();
      const issued: string[] = [];
      /** Not known yet to have killed or ended. */
      const open = new Set<string>();
      /** Ended without a death at its step: its executor died by another call's. */
      const inVain: Plan[] = [];
      const isEnded = (call: string) => desk.calls.get('a', call)?.status === 'ended';
      const casesKilled = () => {
        const cases = [...executors.killed].map(([call, step]) => `${planOf(call)?.delivery} ${step}`);
        return new Set(cases).size;
      };
      const isEnough = () => executors.killed.size >= KILLS && casesKilled() >= Math.min(KILLS, CASES);

      await until(
        async () => {
          for (const call of open) {
            const plan = planOf(call);
            const isKiller = executors.killed.has(call);
            if (!isKiller && isEnded(call) && plan !== undefined) inVain.push(plan);
            if (isKiller || isEnded(call)) open.delete(call);
          }
          // As many as there are executors without one: each takes its call at once.
          for (let free = executors.readyCount - open.size; free > 0 && !isEnough(); free--) {
            const call = planner.next(inVain.shift());
            issued.push(call);
            open.add(call);
            await desk.allow({ call, ...TERMS[planOf(call)?.delivery ?? 'once'] });
          }
          return isEnough() && issued.every(isEnded);
        },
        `the end of ${KILLS} executors and all of their calls`,
        PATIENCE_MS,
      );
      await desk.catchUp();

      expect([executors.problems, desk.problems]).toEqual([[], []]);
      const found = issued.map((call) => {
        const entries = desk.entries.filter(({ entry }) => 'corr' in entry && entry.corr.call === call);
        const ends = entries.map(({ entry }) => entry.type).filter((type) => type !== 'tool.call.decided');
        return { call, ends, effects: service.effects.get(call) ?? 0, died: executors.killed.get(call) };
      });
      const wrong = found.filter(({ call, ends, effects }) => {
        const [end] = ends;
        if (planOf(call)?.delivery === 'once') {
          // One end; never two effects; none of what is said to have expired, one of what is said to be done.
          const right = end === 'tool.call.completed' ? [1] : end === 'call.expired' ? [0] : [0, 1];
          return ends.length !== 1 || !right.includes(effects);
        }
        // Done in spite of the death, so by another one where the first died before it was on record. What comes behind the end does not
        // count, and says the same.
        return ends.length === 0 || ends.some((each) => each !== 'tool.call.completed') || effects === 0;
      });
      expect(wrong).toEqual([]);
      if (process.env['WRIT_KILLS'] !== undefined) console.log(summaryOf(found, executors.killed.size));
    },
    PATIENCE_MS + 60_000,
  );
});
