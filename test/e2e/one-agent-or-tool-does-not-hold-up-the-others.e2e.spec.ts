import type { Agent } from '#writ/agent-sdk';
import { subjects } from '#writ/contracts';
import { eventually, type Gateway, runCli } from '../harness/gateway.js';
import { join } from 'node:path';
import { OutsideService } from './outside-service.js';
import { startOffice } from './small-office.js';

/** What a call may take beside a flood, on a machine that does nothing else. A quiet call takes a few milliseconds. */
const BESIDE_A_FLOOD_MS = 2_000;

const FLOOD = 1_000;

describe('the service of one agent', () => {
  let outside: OutsideService;
  let gateway: Gateway;
  let alice: Agent;

  beforeAll(async () => {
    outside = await OutsideService.start();
    gateway = await startOffice(outside);
    alice = await gateway.agent('alice');
    await alice.tool('act', { marker: 'warm' });
  }, 120_000);

  afterAll(async () => {
    await gateway?.stop();
    await outside?.[Symbol.asyncDispose]();
  });

  /** Calls one after the other, and gives the slowest. */
  async function slowestMs(calls: number): Promise<number> {
    let slowest = 0;
    for (let n = 0; n < calls; n++) {
      const startedMs = performance.now();
      await alice.tool('act', { marker: 'measured' });
      slowest = Math.max(slowest, performance.now() - startedMs);
    }
    return slowest;
  }

  it('stays within its bound while another one has a thousand requests open: AVAILABILITY-01', async () => {
    const gus = await gateway.bareAgent('gus');
    const measured = new AbortController();
    const codes = new Set<string>();
    const flood = async (from: number) => {
      for (let n = from; !measured.signal.aborted; n++) {
        const body = { v: 1, call: `flood-${from}-${n}`, tool: 'act', args: { marker: 'flood' } };
        const subject = subjects.request('gus', 'tool.call');
        const { data } = await gus.request(subject, JSON.stringify(body), { timeoutMs: 20_000 });
        codes.add((JSON.parse(Buffer.from(data).toString()) as { code: string }).code);
      }
    };
    const floods = Array.from({ length: FLOOD }, (_, from) => flood(from));
    await expect(slowestMs(20)).resolves.toBeLessThan(BESIDE_A_FLOOD_MS);
    measured.abort();
    await Promise.all(floods);
    // Beyond what one agent may have in flight the flood is turned away, unrecorded and cheaply.
    expect(codes).toEqual(new Set(['no_policy_permits', 'BUSY']));
    expect(outside.countOf('flood')).toBe(0);
  });

  it('is not held up by a tool that hangs: EXECUTOR-07', async () => {
    const slow = Array.from({ length: 100 }, (_, n) => alice.tool('act.slowly', { marker: `hanging-${n}` }));
    await eventually(async () => (outside.countOf('hanging-') === 100 ? true : undefined), 'a hundred hanging calls');
    await expect(slowestMs(20)).resolves.toBeLessThan(BESIDE_A_FLOOD_MS);
    outside.release();
    await Promise.all(slow);
  });

  it('that is cut off in the middle goes on afterwards with one history and no unrecorded effect: AVAILABILITY-05', async () => {
    const bus = await gateway.pidOf('nats-server');
    const asked = Array.from({ length: 200 }, (_, n) =>
      alice.tool('act', { marker: `cut-${n}.` }, { call: `cut-${n}`, timeoutMs: 4_000 }).catch(() => undefined),
    );
    await eventually(async () => (outside.countOf('cut-') > 0 ? true : undefined), 'the first effects');
    gateway.kill(bus, 'SIGSTOP');
    await Promise.all(asked);
    gateway.kill(bus, 'SIGCONT');
    await eventually(
      () => alice.tool('act', { marker: 'healed' }, { timeoutMs: 2_000 }).catch(() => undefined),
      'a call',
    );
    const ledger = (await gateway.ledger()).map(({ entry }) => entry);
    const allowed = new Set(
      ledger.flatMap((entry) =>
        entry.type === 'tool.call.decided' && entry.eff.d === 'allow' ? [entry.corr.call] : [],
      ),
    );
    const done = outside.effects
      .filter(({ body }) => body.includes('cut-'))
      .map(({ body }) => /cut-\d+/.exec(body)?.[0] ?? '');
    expect(done.filter((call) => !allowed.has(call))).toEqual([]);
    expect(new Set(done).size).toBe(done.length);
    const directory = join(gateway.directory, 'export');
    expect(await gateway.cli('ledger', 'export', directory)).toMatchObject({ status: 0 });
    expect(await runCli(['ledger', 'verify', directory])).toMatchObject({ status: 10 });
  }, 60_000);
});
