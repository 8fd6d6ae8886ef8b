import { bundleOf } from '../../../test/vectors/cedar-oracle.js';
import { readCatalogue } from '#writ/catalogue';
import { cedarContext, compilePolicies, couldPermit, decide, planFilter, policyEntities, uids } from '#writ/policy';
import * as fc from 'fast-check';
import { authorise } from './authorise.js';
import { askedOf } from './asked.js';
import { filterQuestion, toolQuestion } from './questions.js';
import { rulesOf } from './rules.js';

const NOW = Date.parse('2026-11-22T10:00:00.123Z');
const asker = (nowMs = NOW) => ({ agent: 'ada', session: { callsToday: 0 }, nowMs });
const deletion = { kind: 'memory.delete', v: 1, call: 'c', namespace: 'notes', ids: ['a'] } as const;
const text = (cedarType: string) => ({ type: 'string', 'x-cedar-type': cedarType });
const AGENTS = [{ name: 'ada', teams: [] }];

const CATALOGUE = readCatalogue(
  JSON.stringify({
    version: 1,
    ledger: 'test/default/0',
    tools: {
      open: {
        kind: 'function',
        function: 'noop',
        input: {
          type: 'object',
          required: ['address'],
          properties: { address: text('ipaddr'), until: { ...text('datetime'), format: 'date-time' } },
        },
      },
    },
    namespaces: { notes: {} },
  }),
  { file: 'writ.yaml', baseDirectory: '.', environment: {} },
);

function setOf(policies: Readonly<Record<string, string>>) {
  const tools = [...CATALOGUE.tools.values()].map(({ name, declaration }) => ({ name, ...declaration }));
  const entities = policyEntities({ agents: AGENTS, tools, namespaces: ['notes'], destinations: [] });
  return compilePolicies(bundleOf(policies), entities);
}

const call = (args: Readonly<Record<string, string>>) =>
  ({ kind: 'tool.call', v: 1, call: 'c', tool: 'open', args }) as const;

const OPENS = {
  opens: `permit (principal == Agent::"ada", action == Action::"open", resource)
    when { context.input.address.isInRange(ip("10.0.0.0/8")) };`,
  late: `forbid (principal, action == Action::"open", resource)
    when { context.input has until && context.input.until.durationSince(context.time.now) > duration("1h") };`,
};

function authorised(args: Readonly<Record<string, string>>) {
  const request = call(args);
  return authorise(request, { ...asker(), asked: askedOf(request) }, rulesOf(CATALOGUE, setOf(OPENS), AGENTS));
}

describe('the time that policies see', () => {
  it('is that of the calendar, in UTC, and to the millisecond', () => {
    const millis = fc.integer({ min: 0, max: Date.UTC(2200, 0, 1) });
    fc.assert(
      fc.property(millis, (nowMs) => {
        const { context } = filterQuestion({ ...deletion, ids: ['a'] }, asker(nowMs));
        const date = new Date(nowMs);
        const { now, ...numbers } = cedarContext(context)['time'] as { now: object };
        expect(numbers).toEqual({
          unix: Math.floor(nowMs / 1000),
          hour: date.getUTCHours(),
          weekday: date.getUTCDay(),
        });
        expect(JSON.stringify(now)).toContain(`"${nowMs}ms"`);
      }),
    );
  });

  it.each([
    ['context.time.now == datetime("2026-11-22T10:00:00.123Z")', 'permit'],
    ['context.time.now < datetime("2026-11-22T10:00:00.123Z")', 'forbid'],
    ['context.time.now < datetime("2026-12-31")', 'permit'],
    ['context.time.now.toTime() < duration("10h")', 'forbid'],
    ['context.time.now.toTime() < duration("10h124ms")', 'permit'],
    ['context.time.now.toDate() == datetime("2026-11-22")', 'permit'],
    ['context.time.now.durationSince(datetime("2026-11-22")) == duration("10h123ms")', 'permit'],
  ])('can be compared: %s', (condition, effect) => {
    const set = setOf({ p: `permit (principal, action, resource) when { ${condition} };` });
    const { declaration } = CATALOGUE.tool('open');
    const question = toolQuestion(call({ address: '10.0.0.1' }), asker(), declaration.input);
    expect(decide(set, question)).toMatchObject({ effect, errors: [] });
  });

  it('is known when a filter is planned: it leaves nothing of itself in the predicate', () => {
    const own = 'resource.owner == principal.name';
    const set = setOf({
      p: `permit (principal, action in Action::"memory", resource)
        when { context.time.now < datetime("2026-12-01") && ${own} };`,
      f: `forbid (principal, action in Action::"memory", resource)
        when { context.time.now >= datetime("2026-12-01") || context.time.now.toTime() < duration("8h") };`,
    });
    const planAt = (at: string) => planFilter(set, filterQuestion({ ...deletion, ids: ['a'] }, asker(Date.parse(at))));
    expect(planAt('2026-11-30T23:59:59.999Z')).toMatchObject({
      kind: 'some',
      predicate: { op: 'eq', field: 'owner', value: 'ada' },
    });
    expect(planAt('2026-12-01T00:00:00.000Z')).toMatchObject({ kind: 'none', code: 'policy_forbids' });
    expect(planAt('2026-11-30T07:59:59.999Z')).toMatchObject({ kind: 'none', code: 'policy_forbids' });
  });
});

describe('an argument of an extension type', () => {
  it('is decided by its value, however it is spelt', () => {
    expect(authorised({ address: '10.1.2.3' }).decision.effect).toBe('permit');
    expect(authorised({ address: '11.1.2.3' }).decision.effect).toBe('forbid');
    const until = (at: string) => authorised({ address: '10.1.2.3', until: at }).decision.effect;
    expect(until('2026-11-22T12:00:00.1230+01:00')).toBe('permit');
    expect(until('2026-11-22t11:00:00.124z')).toBe('forbid');
  });

  it.each<Readonly<Record<string, string>>>([
    { address: '010.1.2.3' },
    { address: '10.1.2.3/32' },
    { address: '::ffff:10.1.2.3' },
    { address: '::ffff:a01:203' },
    { address: '::ffff:0:10.1.2.3' },
    { address: '64:ff9b::10.1.2.3' },
    { address: '64:ff9b::a01:203' },
    { address: '64:ff9b:1::a01:203' },
    { address: '2002:a01:203::1' },
    { address: 'fe80::1%eth0' },
    { address: '10.1.2.3', until: '2026-11-22T23:59:60Z' },
    { address: '10.1.2.3', until: '2026-11-22T12:00:00.0001Z' },
    { address: '10.1.2.3', until: '2026-11-22 12:00:00Z' },
    { address: '10.1.2.3', until: '2026-11-22' },
  ])('refuses the request when it cannot be read exactly: %j', (args) => {
    expect(() => authorised(args)).toThrow(expect.objectContaining({ code: 'INPUT_ARGUMENTS_INVALID' }));
  });

  it('is printed as text where a decision is explained', () => {
    expect(authorised({ address: '11.1.2.3' }).decision.near).toMatchObject([
      { id: 'opens', values: { 'context.input.address': '11.1.2.3' } },
    ]);
    const { held } = authorised({ address: '10.1.2.3', until: '2026-11-23T10:00:00+02:00' }).decision;
    expect(held.slice(1)).toMatchObject([
      { values: { 'context.input.until': '2026-11-23T08:00:00.000Z', 'context.time.now': '2026-11-22T10:00:00.123Z' } },
    ]);
  });

  it('may be anything when tools are listed', () => {
    const names = { principal: uids.agent('ada'), action: uids.action('open'), resource: uids.tool('open') };
    expect(couldPermit(setOf(OPENS), names)).toBe(true);
    expect(couldPermit(setOf({ late: OPENS.late }), names)).toBe(false);
  });
});
