import { readCatalogue } from '#writ/catalogue';
import type { RegisteredAgent } from '#writ/deployment';
import { Fault } from '#writ/faults';
import { policyEntities, withEntities } from '#writ/policy';
import { setOf } from '../../../test/vectors/decide-on.js';
import { type Rejection, RulesKeeper, type RulesKeeperOptions } from './rules-keeper.js';

const catalogue = readCatalogue('version: 1\nledger: test/default/0\n', {
  file: 'writ.yaml',
  baseDirectory: '.',
  environment: {},
});
const agent = (name: string, teams: readonly string[]) => ({ name, teams }) as RegisteredAgent;

const entitiesOf = (agents: readonly RegisteredAgent[]) =>
  policyEntities({ agents, tools: [], namespaces: [], destinations: [] });

const AGENTS_AFTER_MS = 5_000;
const PERMIT = 'permit (principal in Team::"admins", action, resource);';

/** A keeper whose files, agents, loader and clock are the test's. */
class Kept {
  policies: Readonly<Record<string, string>> = { p: PERMIT };
  agents = [agent('support', ['admins'])];
  /** What the next loads come to; without any they give the policies. */
  readonly outcomes: (Fault | Promise<void>)[] = [];
  readonly told: string[] = [];
  readonly rejections: Rejection[] = [];
  readonly pauses: number[] = [];
  #waiting: (() => void)[] = [];
  #lateLoad: (() => void) | undefined;

  readonly options: RulesKeeperOptions = {
    catalogue,
    load: async (agents) => {
      const policies = this.policies;
      const outcome = this.outcomes.shift();
      if (outcome instanceof Fault) throw outcome;
      await outcome;
      return withEntities(setOf(policies), entitiesOf(agents));
    },
    agents: () => Promise.resolve(this.agents),
    entities: entitiesOf,
    manifestOf: () => Promise.resolve(undefined),
    onChanged: ({ rules }) => void this.told.push(rules.policies.sources.map(({ id }) => id).join()),
    onRejected: (rejection) => {
      this.told.push(rejection.fault.code);
      this.rejections.push(rejection);
    },
    later: (ms, run) => {
      // The pause before a try is over when the test says so; what waits for a load that takes long is no such pause.
      if (ms === AGENTS_AFTER_MS) {
        this.#lateLoad = run;
        return () => (this.#lateLoad = undefined);
      }
      this.pauses.push(ms);
      this.#waiting.push(run);
      return () => void (this.#waiting = this.#waiting.filter((each) => each !== run));
    },
  };

  get isLateLoadWatched(): boolean {
    return this.#lateLoad !== undefined;
  }

  /** The load that is under way takes long. */
  async takeLong(): Promise<void> {
    while (this.#lateLoad === undefined) await nextTurn();
    this.#lateLoad();
    await nextTurn();
  }

  get isWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** Lets the pause be over that has begun, or begins. */
  async pass(): Promise<void> {
    while (!this.isWaiting) await nextTurn();
    this.#waiting.splice(0).forEach((run) => run());
    await nextTurn();
  }
}

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));
const ended = () => new Fault('POLICY_LOADER_FAILED', 'the policy loader ended with SIGKILL and without an answer');

describe('rules whose policies are refused', () => {
  it('keep the policies, and take in the agents of now', async () => {
    const kept = new Kept();
    const keeper = await RulesKeeper.open(kept.options);
    const before = keeper.current.rules.policies.hash;
    kept.agents = [agent('support', []), agent('new', ['admins'])];
    kept.outcomes.push(new Fault('POLICY_PARSE', 'not Cedar'));
    await keeper.reload();
    const { policies, knows } = keeper.current.rules;
    expect(kept.told).toEqual(['p', 'POLICY_PARSE']);
    expect([policies.hash, knows('new')]).toEqual([before, true]);
    const parents = policies.entities.find(({ uid }) => uid.type === 'Agent' && uid.id === 'support')?.parents;
    expect(parents).toEqual([]);
  });

  it('keep nobody who was demoted in while Cedar is at work on them', async () => {
    const kept = new Kept();
    const keeper = await RulesKeeper.open(kept.options);
    const teams = () =>
      keeper.current.rules.policies.entities.find(({ uid }) => uid.type === 'Agent' && uid.id === 'support')?.parents;
    kept.agents = [agent('support', [])];
    kept.policies = { q: PERMIT };
    let answer = (): void => undefined;
    kept.outcomes.push(new Promise<void>((resolve) => (answer = resolve)));
    const reloaded = keeper.reload();
    await kept.takeLong();
    expect(teams()).toEqual([]);
    expect(kept.told).toEqual(['p']);
    answer();
    await reloaded;
    expect([kept.told, kept.isLateLoadWatched]).toEqual([['p', 'q'], false]);
  });

  it('give nobody back what was taken away while Cedar was at work on them', async () => {
    const kept = new Kept();
    const keeper = await RulesKeeper.open(kept.options);
    const teams = () =>
      keeper.current.rules.policies.entities.find(({ uid }) => uid.type === 'Agent' && uid.id === 'support')?.parents;
    kept.policies = { q: PERMIT };
    let answer = (): void => undefined;
    kept.outcomes.push(new Promise<void>((resolve) => (answer = resolve)));
    const reloaded = keeper.reload();
    await nextTurn();
    kept.agents = [agent('support', [])];
    await kept.takeLong();
    expect(teams()).toEqual([]);
    answer();
    await reloaded;
    expect([kept.told, teams()]).toEqual([['p', 'q'], []]);
  });

  it('are not tried again before they change', async () => {
    const kept = new Kept();
    const keeper = await RulesKeeper.open(kept.options);
    kept.outcomes.push(new Fault('POLICY_PARSE', 'not Cedar'));
    await keeper.reload();
    expect([kept.isWaiting, kept.rejections[0]?.againInMs]).toEqual([false, undefined]);
  });
});

describe('rules whose loader fails', () => {
  it('are tried again without a change, and what was in force stays so until then', async () => {
    const kept = new Kept();
    const keeper = await RulesKeeper.open(kept.options);
    const before = keeper.current.rules.policies.hash;
    kept.policies = { q: PERMIT };
    kept.outcomes.push(ended(), ended());
    await keeper.reload();
    expect(keeper.current.rules.policies.hash).toBe(before);
    await kept.pass();
    expect(keeper.current.rules.policies.hash).toBe(before);
    await kept.pass();
    expect(keeper.current.rules.policies.sources.map(({ id }) => id)).toEqual(['q']);
    expect(kept.rejections).toMatchObject([
      { failures: 1, againInMs: 1_000, kept: {} },
      { failures: 2, againInMs: 2_000 },
    ]);
    expect(kept.isWaiting).toBe(false);
  });

  it('are tried every half a minute in the end, and from the beginning after a change', async () => {
    const kept = new Kept();
    const keeper = await RulesKeeper.open(kept.options);
    kept.outcomes.push(...Array.from({ length: 8 }, ended));
    await keeper.reload();
    for (let n = 0; n < 7; n++) await kept.pass();
    expect(kept.pauses).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
    kept.outcomes.push(ended());
    await keeper.reload();
    expect(kept.pauses.at(-1)).toBe(1_000);
    // The change took the place of the try that was waiting.
    await kept.pass();
    expect(kept.told.at(-1)).toBe('p');
    expect(kept.isWaiting).toBe(false);
  });

  it('are not tried again once the service ends', async () => {
    const kept = new Kept();
    const keeper = await RulesKeeper.open(kept.options);
    kept.outcomes.push(ended(), ended());
    await keeper.reload();
    keeper.close();
    expect(kept.isWaiting).toBe(false);
    await keeper.reload();
    expect(kept.isWaiting).toBe(false);
  });

  it('at the start are tried three times more', async () => {
    const kept = new Kept();
    kept.outcomes.push(ended(), ended());
    const opened = RulesKeeper.open(kept.options);
    await kept.pass();
    await kept.pass();
    expect((await opened).current.rules.policies.size).toBe(1);
    expect(kept.rejections.map(({ kept: last }) => last)).toEqual([undefined, undefined]);

    const failing = new Kept();
    failing.outcomes.push(ended(), ended(), ended(), ended());
    const failed = RulesKeeper.open(failing.options).catch((thrown: unknown) => thrown);
    for (let n = 0; n < 3; n++) await failing.pass();
    expect(await failed).toMatchObject({ code: 'POLICY_LOADER_FAILED' });
    expect(failing.pauses).toEqual([1_000, 2_000, 4_000]);
  });

  it('at the start are not tried again when they are not good', async () => {
    const kept = new Kept();
    kept.outcomes.push(new Fault('POLICY_PARSE', 'not Cedar'));
    await expect(RulesKeeper.open(kept.options)).rejects.toMatchObject({ code: 'POLICY_PARSE' });
    expect(kept.pauses).toEqual([]);
  });
});

describe('rules that change while they are loaded', () => {
  it('are loaded one change after the other, and the last one wins', async () => {
    const kept = new Kept();
    const keeper = await RulesKeeper.open(kept.options);
    let loaded = (): void => undefined;
    kept.outcomes.push(new Promise((resolve) => (loaded = resolve)));
    kept.policies = { q: PERMIT };
    const first = keeper.reload();
    await nextTurn();
    kept.policies = { r: PERMIT };
    const second = keeper.reload();
    await nextTurn();
    expect(kept.told).toEqual([]);
    loaded();
    await Promise.all([first, second]);
    expect(kept.told).toEqual(['q', 'r']);
  });
});
