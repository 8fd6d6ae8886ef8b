import type { EntryBody, PayloadValue } from '#writ/contracts';
import { Fault } from '#writ/faults';
import type { Appended } from '#writ/ledger-client';
import type { NearMiss } from '#writ/policy';
import { decided, placed } from './entries.fixture.js';
import { Explainer, type Recorded } from './explainer.js';

const MISS: NearMiss = {
  id: 'p',
  file: 'policies/a.cedar',
  line: 7,
  col: 8,
  failed: 'when context.input.k <= 3',
  values: { 'context.input.k': 5 },
};

/** A chain in memory, the explainer that writes there, and how often it looked for near misses. */
class World {
  readonly appended: { readonly entry: EntryBody; readonly values: readonly PayloadValue[] }[] = [];
  readonly told: Record<string, unknown>[] = [];
  nowMs = 0;
  looked = 0;
  fault: Fault | undefined;
  /** Appends are durable when this is resolved. */
  ready: Promise<void> = Promise.resolve();
  readonly explainer = new Explainer({ warn: (fields) => this.told.push(fields) }, () => this.nowMs);

  readonly append: Recorded['append'] = async (entry, values = []) => {
    await this.ready;
    if (this.fault !== undefined) throw this.fault;
    this.appended.push({ entry, values });
    return {} as Appended;
  };

  offer(call: string, changes: { agent?: string; bytes?: number; near?: readonly NearMiss[]; code?: string } = {}) {
    const { agent = 'alice', bytes = 2, near = [MISS], code = 'no_policy_permits' } = changes;
    const body = { ...decided(call, 'deny'), who: { agent }, io: { in: `sd:${'A'.repeat(43)}`, in_len: bytes } };
    const recorded = { ...placed(5, body as EntryBody), i: 2 } as unknown as Appended;
    const look = () => (this.looked += 1);
    const decision = {
      code: code as 'no_policy_permits',
      get near() {
        look();
        return near;
      },
    };
    this.explainer.offer({ decision, recorded, append: this.append });
  }

  get calls(): readonly string[] {
    return this.appended.flatMap(({ entry }) => ('corr' in entry ? [entry.corr.call] : []));
  }
}

const ledgerGate = () => {
  let open: () => void = () => undefined;
  const ready = new Promise<void>((resolve) => (open = resolve));
  return { ready, open };
};

describe('the explanation of a default deny', () => {
  it('is an entry that points at the decision; what the clause read is a value', async () => {
    const world = new World();
    world.offer('c1');
    await world.explainer.close(1_000);
    const { values: read, ...near } = MISS;
    expect(world.appended).toEqual([
      {
        entry: {
          type: 'decision.explained',
          who: { agent: 'alice' },
          corr: { call: 'c1' },
          of: { seq: 5, i: 2 },
          near: [near],
        },
        values: [{ path: '/near', salt: expect.any(String), value: [{ id: 'p', values: read }] }],
      },
    ]);
    expect(JSON.stringify(world.appended[0]?.entry)).not.toContain('"values"');
    expect(world.explainer.details).toEqual({ waiting: 0, written: 1, dropped: 0, failed: 0 });
  });

  it('is looked for after whoever offered it has gone on', async () => {
    const world = new World();
    world.offer('c1');
    expect(world.looked).toBe(0);
    await Promise.resolve();
    expect(world.looked).toBe(0);
    await world.explainer.close(1_000);
    expect(world.looked).toBe(1);
  });

  it('is found one at a time, in the order of the decisions, and the event loop turns in between', async () => {
    const world = new World();
    for (const call of ['c1', 'c2', 'c3']) world.offer(call);
    const seen: number[] = [];
    const count = (): void => {
      seen.push(world.looked);
      if (world.looked < 3) setImmediate(count);
    };
    setImmediate(count);
    await world.explainer.close(1_000);
    expect(world.calls).toEqual(['c1', 'c2', 'c3']);
    expect(seen).toEqual(expect.arrayContaining([1, 2]));
  });

  it('waits for the one before it to be on record', async () => {
    const world = new World();
    const gate = ledgerGate();
    world.ready = gate.ready;
    world.offer('c1');
    world.offer('c2');
    await new Promise((resolve) => setImmediate(() => setImmediate(() => setImmediate(resolve))));
    expect(world.looked).toBe(1);
    gate.open();
    await world.explainer.close(1_000);
    expect(world.calls).toEqual(['c1', 'c2']);
  });

  it('is not written when no permit is near, nor for any other denial', async () => {
    const world = new World();
    world.offer('c1', { near: [] });
    world.offer('c2', { code: 'policy_forbids' });
    world.offer('c3', { code: 'permit' });
    await world.explainer.close(1_000);
    expect(world.appended).toEqual([]);
    expect(world.looked).toBe(1);
  });
});

describe('a flood of default denies', () => {
  it('costs an agent its own explanations beyond an eighth of the places, and no other agent any', async () => {
    const world = new World();
    for (let n = 0; n < 1_000; n++) world.offer(`flood-${n}`, { agent: 'mallory' });
    for (let n = 0; n < 64; n++) world.offer(`c${n}`);
    expect(world.explainer.details).toMatchObject({ waiting: 128, dropped: 936 });
    await world.explainer.close(5_000);
    expect(world.calls.filter((call) => call.startsWith('flood'))).toHaveLength(64);
    expect(world.calls.filter((call) => call.startsWith('c'))).toHaveLength(64);
  });

  it('of many agents is dropped when all places are taken, and there is room again afterwards', async () => {
    const world = new World();
    for (let n = 0; n < 600; n++) world.offer(`c${n}`, { agent: `agent-${n % 20}` });
    expect(world.explainer.details).toMatchObject({ waiting: 512, dropped: 88 });
    while (world.explainer.details['waiting'] !== 0) await new Promise((resolve) => setImmediate(resolve));
    world.offer('after');
    await world.explainer.close(1_000);
    expect(world.calls.at(-1)).toBe('after');
  });

  it('takes more places the more is asked for, so that the memory that waits is bounded', async () => {
    const world = new World();
    for (let n = 0; n < 10; n++) world.offer(`c${n}`, { bytes: 1_000_000 });
    expect(world.explainer.details).toMatchObject({ waiting: 2, dropped: 8 });
    await world.explainer.close(1_000);
    expect(world.calls).toEqual(['c0', 'c1']);
  });

  it('is told in the log at most once a second', () => {
    const world = new World();
    for (let n = 0; n < 500; n++) world.offer(`c${n}`);
    world.nowMs = 1_000;
    world.offer('c500');
    expect(world.told).toMatchObject([{ dropped: 1 }, { dropped: 437 }]);
  });
});

describe('an explanation that cannot be recorded', () => {
  it('is lost and counted, when the shard is another owner’s by now, and the next one is tried', async () => {
    const world = new World();
    world.fault = new Fault('LEDGER_FENCED', 'another writer owns it');
    world.offer('c1');
    world.offer('c2');
    await world.explainer.close(1_000);
    expect(world.explainer.details).toEqual({ waiting: 0, written: 0, dropped: 0, failed: 2 });
    expect(world.told).toMatchObject([{ failed: 1, detail: 'another writer owns it' }]);
  });

  it('does not hold up the end of the service, and nothing is taken in any more', async () => {
    const world = new World();
    const gate = ledgerGate();
    world.ready = gate.ready;
    world.offer('c1');
    world.offer('c2');
    await world.explainer.close(1);
    world.offer('c3');
    expect(world.explainer.details).toMatchObject({ waiting: 0 });
    gate.open();
    await world.explainer.close(1_000);
    expect(world.calls).toEqual(['c1']);
    expect(world.explainer.details).toEqual({ waiting: 0, written: 1, dropped: 2, failed: 0 });
  });
});

it('the answers to one enforcement point take the share of its client, whichever agents it asks about', async () => {
  const world = new World();
  for (let n = 0; n < 100; n++) {
    const { why, io, act } = decided('x', 'deny') as Extract<EntryBody, { type: 'tool.call.decided' }>;
    const body: EntryBody = {
      type: 'access.evaluated',
      client: 'gateway',
      req: { sub: { type: 'agent', id: 'a' }, act: 'call', res: { type: 'tool', id: 't' }, eval: `az-${n}` },
      who: { agent: `agent-${n}` },
      act,
      eff: { d: 'deny', phase: 'evaluated' },
      why,
      io,
    };
    const recorded = placed(1, body) as unknown as Appended;
    world.explainer.offer({ decision: { code: 'no_policy_permits', near: [MISS] }, recorded, append: world.append });
  }
  world.offer('c1');
  expect(world.explainer.details).toMatchObject({ waiting: 65, dropped: 36 });
  await world.explainer.close(1_000);
  expect(world.calls).toEqual(expect.arrayContaining(['az-0', 'az-63', 'c1']));
});
