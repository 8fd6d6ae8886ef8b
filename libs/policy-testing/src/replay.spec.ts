import type { DecidedEntry, JsonObject } from '#writ/contracts';
import { comparePolicies } from '#writ/policy';
import type { DecisionValues } from '#writ/tlog';
import { policiesOf, someRules } from './policy-testing.fixture.js';
import { Replay } from './replay.js';

interface Recorded {
  readonly agent?: string;
  readonly call: string;
  readonly kind?: string;
  readonly d?: 'allow' | 'deny';
  readonly code?: string;
  readonly ts?: string;
  readonly asked?: JsonObject;
  readonly filter?: JsonObject;
  readonly obligations?: readonly JsonObject[];
}

function recorded(over: Recorded): readonly [DecidedEntry, DecisionValues] {
  const { agent = 'ada', call, kind = 'tool.call', d = 'allow', code = 'permit', ts = '2026-11-22T10:00:00Z' } = over;
  const asked = over.asked ?? { to: 'x' };
  const place = (id: string, effect: string, line: number) => ({ id, effect, file: 'policies/p.cedar', line, col: 1 });
  const searching = [place('staff-searches', 'permit', 6), place('hidden', 'forbid', 11)];
  const deciding = kind === 'tool.call' ? [place('staff-mails', 'permit', 1)] : searching;
  const pol = d === 'allow' ? deciding : [];
  const entry = {
    type: `${kind}.decided`,
    ts,
    who: { agent },
    act: { kind, res: kind === 'tool.call' ? 'mail' : 'notes' },
    corr: { call },
    eff: { d, phase: 'decided' },
    why: { code, pol },
  } as unknown as DecidedEntry;
  const { obligations = [], filter } = over;
  const command = { obligations, ...(filter === undefined ? {} : { filter }) };
  return [entry, { status: 'opens', asked, ...(d === 'allow' ? { command } : {}) }];
}

const QUERY = { kind: 'memory.query', asked: { text: 'x', k: 3 } };
const NOT_SECRET = { op: 'not', arg: { op: 'contains', field: 'labels', value: 'secret' } };

describe('Replay', () => {
  it('finds no flip under the policies that decided', () => {
    const replay = new Replay(someRules());
    replay.take(...recorded({ call: 'a' }));
    replay.take(...recorded({ call: 'b', agent: 'gus', d: 'deny', code: 'no_policy_permits' }));
    replay.take(...recorded({ call: 'c', ...QUERY, filter: NOT_SECRET }));
    expect([replay.replayed, replay.flips.count]).toEqual([3, 0]);
  });

  it('tells allows that would be denials, denials that would be allows, and other filters, by agent and policy line', () => {
    const replay = new Replay(someRules({ mailsADay: 1, hidden: 'private' }));
    replay.take(...recorded({ call: 'first' }));
    replay.take(...recorded({ call: 'second' }));
    replay.take(...recorded({ call: 'q', ...QUERY, filter: NOT_SECRET }));
    replay.take(...recorded({ call: 'd', ts: '2026-11-23T10:00:00Z', d: 'deny', code: 'policy_forbids' }));
    expect(replay.flips.groups()).toMatchObject([
      {
        change: 'permit → forbid',
        agent: 'ada',
        policy: 'no longer policies/p.cedar:1 permit staff-mails',
        nearest: expect.stringContaining('staff-mails'),
        examples: ['second'],
      },
      { change: 'filter differs', policy: 'policies/p.cedar:11 forbid hidden', examples: ['q'] },
      { change: 'forbid → permit', policy: 'policies/p.cedar:1 permit staff-mails', examples: ['d'] },
    ]);
  });

  it('counts calls of the day as they stood: per UTC day, once for an id, denials not', () => {
    const replay = new Replay(someRules({ mailsADay: 2 }));
    replay.pass(recorded({ call: 'passed' })[0]);
    replay.take(...recorded({ call: 'passed' }));
    replay.take(...recorded({ call: 'denied', d: 'deny', code: 'no_executor' }));
    replay.take(...recorded({ call: 'next day', ts: '2026-11-23T00:00:00Z' }));
    expect(replay.flips.count).toBe(0);
    replay.take(...recorded({ call: 'one too many', ts: '2026-11-23T00:00:01Z' }));
    replay.take(...recorded({ call: 'two too many', ts: '2026-11-23T00:00:02Z' }));
    expect(replay.flips.count).toBe(1);
  });

  it('decides at the time of the entry, to the millisecond, and reads arguments as they were read then', () => {
    const until = '2026-11-22T10:00:00.500Z';
    const replay = new Replay(someRules({ until }));
    const asked = { to: 'x', at: '2026-11-22T10:00:00+02:00' };
    replay.take(...recorded({ call: 'before', ts: '2026-11-22T10:00:00.499Z', asked }));
    expect([replay.replayed, replay.flips.count]).toEqual([1, 0]);
    replay.take(...recorded({ call: 'after', ts: '2026-11-22T10:00:00.500Z', asked }));
    replay.take(...recorded({ call: 'when text would do', asked: { to: 'x', at: 'at ten' } }));
    expect(replay.flips.groups()).toMatchObject([
      { change: 'permit → forbid', examples: ['after'] },
      { change: 'permit → refused', policy: 'INPUT_ARGUMENTS_INVALID', examples: ['when text would do'] },
    ]);
  });

  it('does not take a missing executor for a word of the policies', () => {
    const replay = new Replay(someRules());
    replay.take(...recorded({ call: 'a', d: 'deny', code: 'no_executor' }));
    expect(replay.flips.count).toBe(0);
  });

  it('says what cannot be replayed instead of guessing', () => {
    const replay = new Replay(someRules());
    replay.take(recorded({ call: 'a' })[0], { status: 'gone' });
    replay.take(recorded({ call: 'b' })[0], { status: 'differs' });
    replay.take(...recorded({ call: 'c', ...QUERY, asked: { k: 'many' } }));
    replay.take(...recorded({ call: 'd', kind: 'tool.dream' }));
    expect([...replay.unreplayable]).toEqual([
      ['value erased', 1],
      ['value differs', 1],
      ['request not understood', 2],
    ]);
    expect(replay.replayed).toBe(0);
  });

  const COPIED = { call: 'a', asked: { to: 'x', copies: 2 } };
  const label = (name: string) => ({ type: 'label', labels: [name] });

  it('tells obligations that differ as a change of their own, with those that are new and those that are gone', () => {
    const replay = new Replay(someRules({ label: 'copied' }));
    replay.take(...recorded({ ...COPIED, obligations: [label('copied')] }));
    expect(replay.flips.count).toBe(0);
    replay.take(...recorded({ ...COPIED, call: 'b' }));
    replay.take(...recorded({ ...COPIED, call: 'c', obligations: [label('other')] }));
    const other = '{"labels":["other"],"type":"label"}';
    const gained = ['{"labels":["copied"],"type":"label"}'];
    expect(replay.flips.groups()).toMatchObject([
      { change: 'obligations differ', policy: 'policies/p.cedar:1 permit staff-mails', gained, lost: [] },
      { change: 'obligations differ', gained, lost: [other], examples: ['c'] },
    ]);
  });

  it('goes on behind arguments that an agent wrote so that nothing can be taken out of them', () => {
    const replay = new Replay(someRules({ label: 'copied', redacts: 'email' }));
    const to = '['.repeat(80) + ']'.repeat(80);
    replay.take(...recorded({ call: 'a', asked: { to, copies: 2 } }));
    replay.take(...recorded({ call: 'b' }));
    expect(replay.replayed).toBe(2);
    expect(replay.flips.groups()).toMatchObject([{ change: 'permit → forbid', examples: ['a'] }]);
  });

  it('tells a filter that differs from obligations that do', () => {
    const replay = new Replay(someRules({ hidden: 'private' }));
    replay.take(...recorded({ call: 'a', ...QUERY, filter: NOT_SECRET }));
    replay.take(...recorded({ call: 'b', ...QUERY, filter: NOT_SECRET, obligations: [label('x')] }));
    expect(replay.flips.groups().map(({ change }) => change)).toEqual([
      'filter differs',
      'filter and obligations differ',
    ]);
  });

  it('compares a second set with another one', () => {
    const replay = new Replay(someRules(), someRules({ label: 'copied' }));
    replay.take(...recorded(COPIED));
    replay.take(...recorded({ call: 'b' }));
    expect(replay.flips.groups()).toMatchObject([
      { change: 'obligations differ', gained: [], count: 1, examples: ['a'] },
    ]);
  });

  it('compares with other policies when it is given some', () => {
    const replay = new Replay(someRules({ mailsADay: 0 }), someRules());
    // On record as denied; what counts here is that the older policies would permit it.
    replay.take(...recorded({ call: 'a', d: 'deny', code: 'policy_forbids' }));
    expect(replay.flips.groups()).toMatchObject([{ change: 'permit → forbid' }]);
  });
});

describe('comparePolicies', () => {
  it('tells what was added, removed and changed, by id', () => {
    const before = policiesOf();
    const [mails, searches, hidden] = policiesOf({ mailsADay: 3 });
    if (mails === undefined || searches === undefined || hidden === undefined) throw new Error('the fixture has three');
    const after = [hidden, mails, { ...searches, id: 'renamed' }];
    expect(comparePolicies(before, after).map(({ change, id, at }) => [change, id, at])).toEqual([
      ['added', 'renamed', 'policies/p.cedar:6'],
      ['changed', 'staff-mails', 'policies/p.cedar:1'],
      ['removed', 'staff-searches', 'policies/p.cedar:6'],
    ]);
  });
});
