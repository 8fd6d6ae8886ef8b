import { annotation, BROKEN, decideOn, forbid, ids, permit, setOf } from '../../../test/vectors/decide-on.js';
import { planFilter } from './filter.js';
import { uids } from './model.js';

const approval = { kind: 'approval', template: 'external-mail', approvers: 'Team::secops' };
const remediable = (rest = '', remedy: object = approval): string => `${annotation('remedy', remedy)} ${forbid(rest)}`;

describe('a denial', () => {
  it('is requestable when every deciding forbid has a remedy and a permit stands behind them', () => {
    const decision = decideOn({ p: permit(), f: remediable(), g: remediable('', { kind: 'step-up' }) });
    expect(decision.code).toBe('policy_forbids');
    expect(decision.remedies).toEqual([
      { policy: 'f', ...approval },
      { policy: 'g', kind: 'step-up' },
    ]);
  });

  it.each([
    ['no permit would hold', { f: remediable() }],
    ['another forbid has no remedy', { p: permit(), f: remediable(), g: forbid() }],
    ['another forbid cannot be evaluated', { p: permit(), f: remediable(), g: remediable(BROKEN) }],
    ['the only permit cannot be evaluated', { p: permit(BROKEN), f: remediable() }],
    [
      'what the permit obliges to cannot be known',
      {
        p: permit(),
        q: `${annotation('obligations', [{ type: 'label', labels: ['x'] }])} ${permit(BROKEN)}`,
        f: remediable(),
      },
    ],
  ])('is not when %s', (_case, policies) => {
    expect(decideOn(policies).remedies).toEqual([]);
  });

  it('is an allow when the fact that its forbid asks for is there', () => {
    const policies = { p: permit(), f: remediable(' unless { context.session.approved }') };
    expect(decideOn(policies, { context: { session: { approved: false } } }).remedies).toHaveLength(1);
    expect(decideOn(policies, { context: { session: { approved: true } } }).effect).toBe('permit');
  });

  it('of a memory query is requestable likewise', () => {
    const ask = (policies: Readonly<Record<string, string>>) =>
      planFilter(setOf(policies), {
        principal: uids.agent('support'),
        action: uids.action('query'),
        parent: uids.namespace('CRM.customers'),
        context: {},
      });
    expect(ask({ p: permit(), f: remediable() })).toMatchObject({ kind: 'none', remedies: [{ policy: 'f' }] });
    expect(ask({ f: remediable() })).toMatchObject({ kind: 'none', remedies: [] });
  });

  it.each([
    ['is not JSON', '@remedy("{")'],
    ['names no kind', annotation('remedy', { template: 'x' })],
    ['has an unknown member', annotation('remedy', { kind: 'approval', url: 'x' })],
  ])('is refused at load when its remedy %s', (_case, remedy) => {
    expect(() => setOf({ f: `${remedy} ${forbid()}` })).toThrow(/`@remedy` is not/);
  });
});

describe('what a forbid read', () => {
  it('is told clause by clause, where it stands, with its values', () => {
    const text =
      ' when { context.input.to like "*@evil.example" && context.input.n > 3 }\nunless { principal.name == "x" }';
    const { held } = decideOn({ f: forbid(text) }, { context: { input: { to: 'a@evil.example', n: 4 } } });
    expect(held).toEqual([
      {
        id: 'f',
        line: 1,
        col: 45,
        clause: 'when context.input.to like "*@evil.example"',
        values: { 'context.input.to': 'a@evil.example' },
      },
      { id: 'f', line: 1, col: 87, clause: 'when context.input.n > 3', values: { 'context.input.n': 4 } },
      { id: 'f', line: 2, col: 10, clause: 'unless principal.name == "x"', values: { 'principal.name': 'support' } },
    ]);
  });

  it('is bounded, whatever an agent sends and however often it is read', () => {
    const reads = Array.from(
      { length: 16 },
      (_, n) => `context.input.text != "${n}" && context.input.list != ["${n}"]`,
    );
    const forbids = Object.fromEntries(['f', 'g', 'h'].map((id) => [id, forbid(` when { ${reads.join(' && ')} }`)]));
    const input = { text: 'x'.repeat(60_000), list: Array.from({ length: 1_000 }, (_, n) => `${n}`) };
    const { held } = decideOn(forbids, { context: { input } });
    expect(held.length).toBeGreaterThan(16);
    expect(JSON.stringify(held).length).toBeLessThan(40_000);
    expect(held[0]?.values['context.input.text']).toBe(`${'x'.repeat(1_024)}…`);
  });

  it('names what is missing in one that cannot be evaluated', () => {
    expect(decideOn({ f: forbid(BROKEN) }).held).toMatchObject([{ values: { 'context.missing': null } }]);
  });
});

describe('a policy in `log_only` mode', () => {
  const logOnly = (text: string): string => `@mode("log_only") ${text}`;

  it('decides nothing, and is reported when it would have fired', () => {
    const forbidding = decideOn({ p: permit(), f: logOnly(forbid()) });
    expect([forbidding.effect, ids(forbidding)]).toEqual(['permit', ['p']]);
    expect(forbidding.logged).toMatchObject([{ id: 'f', effect: 'forbid' }]);
    const permitting = decideOn({ p: logOnly(permit()) });
    expect([permitting.code, permitting.logged.map(({ id }) => id)]).toEqual(['no_policy_permits', ['p']]);
  });

  it('is silent where it would not fire, also because it errors', () => {
    expect(
      decideOn({ p: permit(), f: logOnly(forbid(' when { 1 == 2 }')), g: logOnly(forbid(BROKEN)) }).logged,
    ).toEqual([]);
  });

  it('obliges to nothing', () => {
    const obliging = `${annotation('obligations', [{ type: 'label', labels: ['x'] }])} ${permit()}`;
    expect(decideOn({ p: permit(), q: logOnly(obliging) }).obligations).toEqual([]);
  });
});
