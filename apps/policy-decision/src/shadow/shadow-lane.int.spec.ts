import { Entry, type EntryBody } from '#writ/contracts';
import {
  compilePolicies,
  datetimeOf,
  decide,
  planFilter,
  policyEntities,
  type PolicyRequest,
  type PolicySet,
  recordEntity,
  typedContextInput,
  uids,
} from '#writ/policy';
import { bundleOf } from '../../../../test/vectors/cedar-oracle.js';
import { divergenceOf } from './open-shadow.js';
import { OracleProcess } from './oracle-process.js';
import { ShadowLane } from './shadow-lane.js';

const POLICIES = {
  staff: `@id("staff") permit (principal in Team::"staff", action, resource) when { context.input.n < 10 };`,
  own: `@id("own") permit (principal, action == Action::"write", resource in Namespace::"notes") when { resource.owner == principal.name };`,
  late: `@id("late") forbid (principal, action == Action::"act", resource) when { context.time.hour > 20 };`,
  broken: `@id("broken") forbid (principal == Agent::"gus", action, resource) when { context.input.missing == 1 };`,
  regional: `@id("regional") permit (principal == Agent::"bob", action == Action::"query", resource in Namespace::"notes") when { resource.labels.contains("eu") };`,
};
const ENTITIES = policyEntities({
  agents: [
    { name: 'alice', teams: ['staff'] },
    { name: 'gus', teams: [] },
    { name: 'bob', teams: [] },
  ],
  tools: [{ name: 'act', kind: 'function', idempotent: false, input: {} }],
  namespaces: ['notes'],
  destinations: [],
});
const honest = compilePolicies(bundleOf(POLICIES), ENTITIES);

function request(agent: string, n: number, hour = 9): PolicyRequest {
  const context = { input: { n }, session: { callsToday: 0 }, time: { unix: 0, hour, weekday: 0 } };
  return { principal: uids.agent(agent), action: uids.action('act'), resource: uids.tool('act'), context };
}

/** A set whose compiled form of one policy is another one than its text says. */
function planted(id: keyof typeof POLICIES, said: string, compiled: string): PolicySet {
  const bundle = bundleOf(POLICIES);
  const { est } = bundleOf({ [id]: POLICIES[id].replace(said, compiled) }).policies[0] ?? {};
  if (est === undefined) throw new Error('no policy');
  return compilePolicies(
    { ...bundle, policies: bundle.policies.map((policy) => (policy.id === id ? { ...policy, est } : policy)) },
    ENTITIES,
  );
}

/** A lane with Cedar in a process of its own; pauses are over at once, and the idle time never. */
class RealLane implements Disposable {
  readonly recorded: EntryBody[] = [];
  readonly oracles: OracleProcess[] = [];
  #drawn = 0;
  readonly lane = new ShadowLane({
    oneIn: 1,
    random: () => (this.#drawn = (this.#drawn + 0.37) % 1),
    openOracle: (load) => {
      const oracle = new OracleProcess(load);
      this.oracles.push(oracle);
      return oracle;
    },
    later: (ms, run) => {
      if (ms < 30_000) setImmediate(run);
      return () => undefined;
    },
    onDifference: (difference) => Promise.resolve(void this.recorded.push(divergenceOf(difference))),
    log: { error: () => undefined },
  });
  #n = 0;

  offer(asked: PolicyRequest, set = honest): void {
    this.#n += 1;
    this.lane.offer({
      kind: 'decide',
      set,
      request: asked,
      decision: decide(set, asked),
      agent: asked.principal.id,
      call: `c${this.#n}`,
    });
  }

  offerFilter(agent: string, set = honest): void {
    this.#n += 1;
    const { principal, context } = request(agent, 1);
    const asked = { principal, action: uids.action('query'), parent: uids.namespace('notes'), context };
    this.lane.offer({ kind: 'filter', set, request: asked, plan: planFilter(set, asked), agent, call: `c${this.#n}` });
  }

  /** Resolves when what was counted under that name is as much. */
  async until(name: string, count: number): Promise<void> {
    while ((this.lane.details[name] ?? 0) < count) await new Promise<void>((resolve) => setImmediate(resolve));
  }

  [Symbol.dispose](): void {
    this.lane.close();
  }
}

describe('the shadow lane with Cedar', () => {
  it('finds no difference in permits, denials, errors and records that a request brings along', async () => {
    using real = new RealLane();
    const record = (owner: string) => ({
      ...request('gus', 1),
      principal: uids.agent('alice'),
      action: uids.action('write'),
      resource: recordEntity('notes', { id: 'r', owner, labels: [] }),
    });
    [
      request('alice', 1),
      request('alice', 50),
      request('alice', 1, 22),
      request('gus', 1),
      request('nobody', 1),
    ].forEach((asked) => real.offer(asked));
    real.offer({ ...record('alice'), context: { ...request('alice', 50).context } });
    real.offer({ ...record('bob'), context: { ...request('alice', 50).context } });
    await real.until('checked', 7);
    expect(real.recorded).toEqual([]);
    expect(real.lane.details).toMatchObject({ checked: 7, differences: 0, stricter: 1, failures: 0 });
    expect(real.oracles).toHaveLength(1);
  });

  it('gives Cedar the values of extension types that were decided on', async () => {
    using real = new RealLane();
    const condition = `context.input.at.durationSince(context.time.now) == duration("1d") &&
      context.input.from.all.contains(ip("::102:304")) && context.input.rate.lessThan(decimal("0.5"))`;
    const set = compilePolicies(
      bundleOf({ p: `permit (principal, action, resource) when { ${condition} };` }),
      ENTITIES,
    );
    const text = (cedarType: string) => ({ type: 'string', 'x-cedar-type': cedarType });
    const all = { type: 'array', items: text('ipaddr') };
    const properties = { at: text('datetime'), rate: text('decimal'), from: { type: 'object', properties: { all } } };
    const args = { at: '2026-11-23T01:00:00+01:00', rate: '0.49990', from: { all: ['1.2.3.4', '::1.2.3.4'] } };
    const asked = (more: object): PolicyRequest => ({
      ...request('alice', 1),
      context: {
        input: typedContextInput({ type: 'object', properties }, { ...args, ...more }),
        time: { now: datetimeOf(Date.UTC(2026, 10, 22)) },
      },
    });
    expect(decide(set, asked({})).effect).toBe('permit');
    [{}, { rate: '0.5' }, { at: '0000-01-01T00:00:00+23:59' }].forEach((more) => real.offer(asked(more), set));
    await real.until('checked', 3);
    expect(real.lane.details).toMatchObject({ differences: 0, stricter: 0, failures: 0 });
  });

  it('records a planted difference, with both decisions and the call, and no value of it', async () => {
    using real = new RealLane();
    const set = planted('staff', '< 10', '< 100');
    real.offer(request('alice', 50), set);
    real.offer(request('alice', 1), set);
    await real.until('checked', 2);
    expect(real.lane.details).toMatchObject({ differences: 1 });
    expect(real.recorded).toEqual([
      {
        type: 'policy.divergence',
        who: { agent: 'alice' },
        corr: { call: 'c1' },
        bundle: set.hash,
        writ: { d: 'allow', pol: ['staff'], err: [] },
        cedar: { d: 'deny', pol: [], err: [] },
      },
    ]);
    const base = { v: 1, id: '0'.repeat(26), ts: '2026-11-22T12:00:00Z', ledger: 'l', ten: 'default' };
    const entry = { ...base, prod: { id: 'pdp-0', boot: 'A'.repeat(22), s: 1 }, ...real.recorded[0] };
    expect(Entry.safeParse(entry).success).toBe(true);
  });

  it('tries filters on records, and records a planted difference of one, without the record', async () => {
    using real = new RealLane();
    for (const agent of ['bob', 'alice', 'gus', 'nobody']) for (let n = 0; n < 8; n++) real.offerFilter(agent);
    await real.until('checked', 32);
    expect(real.lane.details).toMatchObject({ checked: 32, differences: 0, failures: 0 });
    const set = planted('regional', '"eu"', '"us"');
    for (let n = 0; n < 32; n++) real.offerFilter('bob', set);
    await real.until('checked', 64);
    const decisions = real.recorded.map((body) => body.type === 'policy.divergence' && [body.writ.d, body.cedar.d]);
    expect(decisions).toContainEqual(['allow', 'deny']);
    expect(decisions).toContainEqual(['deny', 'allow']);
    expect(real.recorded[0]).toMatchObject({ who: { agent: 'bob' }, bundle: set.hash, writ: { pol: ['regional'] } });
    expect(JSON.stringify(real.recorded)).not.toContain('probe-');
  });

  it('comes back when its process is killed', async () => {
    using real = new RealLane();
    real.offer(request('alice', 1));
    await real.until('checked', 1);
    process.kill(real.oracles[0]?.pid ?? 0, 'SIGKILL');
    // Until the death is noticed, an answer that is not there is a failure, and the next question goes to a new process.
    real.offer(request('alice', 2));
    await real.until('failures', 1);
    real.offer(request('alice', 3));
    await real.until('checked', 2);
    expect(real.oracles.length).toBeGreaterThan(1);
    expect(real.lane.details).toMatchObject({ differences: 0 });
  });

  it('survives policies that Cedar does not take', async () => {
    using real = new RealLane();
    const bundle = bundleOf(POLICIES);
    const policies = bundle.policies.map((policy) => ({ ...policy, text: 'permit (' }));
    real.offer(request('alice', 1), compilePolicies({ ...bundle, policies }, ENTITIES));
    await real.until('failures', 1);
    real.offer(request('alice', 1));
    await real.until('checked', 1);
    expect(real.lane.details).toMatchObject({ differences: 0 });
  });
});
