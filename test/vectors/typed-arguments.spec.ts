import type { Json, JsonObject } from '#writ/contracts';
import {
  cedarContext,
  compilePolicies,
  datetimeOf,
  decide,
  generateSchema,
  policyEntities,
  type PolicyContext,
  typedContextInput,
  uids,
} from '#writ/policy';
import { CaseGenerator } from './cedar-generator.js';
import { actualOf, bundleOf, cedar } from './cedar-oracle.js';
import { EXTENSIONS, type ExtensionKind, MUTATIONS, TEXTS } from './cedar-world.js';

/**
 * Arguments of extension types, read by Writ and by Cedar. More with `WRIT_TYPED=<texts of each type, and requests>`; another
 * start with `WRIT_FUZZ_SEED=<integer>`.
 */
const CASES = Number(process.env['WRIT_TYPED'] ?? 2_000);
const SEED = Number(process.env['WRIT_FUZZ_SEED'] ?? 20_261_122);

const typeOf = (kind: ExtensionKind): string => (kind === 'ip' ? 'ipaddr' : kind);
const text = (kind: ExtensionKind) => ({ type: 'string', 'x-cedar-type': typeOf(kind) });
const object = (properties: JsonObject, required: readonly string[]): JsonObject => ({
  type: 'object',
  required,
  properties,
});

/** Borders of each type, as Cedar spells them. */
const BORDERS: Readonly<Record<ExtensionKind, readonly string[]>> = {
  ip: ['0.0.0.0', '255.255.255.255', '127.0.0.1', '10.255.255.255', '::', '::1', 'ff02::1', '::fffe:102:304'].concat([
    '::ffff:102:304',
    'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
    '1:2:3:4:5:6:7:8',
    '0:0:0:0:0:0:0:1',
    '::a00:1',
    ...['::fffe:0:102:304', '::ffff:0:102:304', '::1:ffff:0:102:304', '64:ff9a::1', '64:ff9b::1', '64:ff9b::1:0:0'],
    ...['64:ff9b:0:ffff::1', '64:ff9b:1::1', '64:ff9b:2::1', '2001:ffff::1', '2002::1', '2003::1'],
  ]),
  decimal: ['0.0001', '-0.0001', '1.2345', '10.5', '10.50', '922337203685477.5807', '-922337203685477.5808'],
  datetime: ['0000-01-01', '9999-12-31T23:59:59.999Z', '0000-01-01T00:00:00+2359', '9999-12-31T23:59:59-2359'].concat([
    '2026-11-22T10:00:00.122Z',
    '2026-11-22T10:00:00.123Z',
    '2026-11-22T10:00:00Z',
    '2024-02-29',
    '1969-12-31',
  ]),
  duration: ['1ms', '-1ms', '24h', '1d', '9223372036854775807ms', '-9223372036854775808ms'],
};
/** As the rest of the world spells them: Cedar reads none of these, and each is one value of Cedar or none. */
const SPELLINGS: Readonly<Record<ExtensionKind, readonly string[]>> = {
  ip: ['::1.2.3.4', '64:ff9b::1.2.3.4', '1:2:3:4:5:6:1.2.3.4', '::ffff:1.2.3.4', '010.0.0.1', 'fe80::1%eth0'].concat([
    '::1.2.3.04',
    '::1.2.3.256',
    '1.2.3',
    '1.2.3.4.',
    '0x7f.0.0.1',
    '2130706433',
    '::1.2.3.4:5',
    ':1.2.3.4',
  ]),
  decimal: ['12', '-7', '0', '-0', '1.50000', '0.10000000', '1.23456', '.5', '1.', '+1.5', '1e3', '922337203685478'],
  datetime: ['2026-11-22T10:00:00+02:00', '2026-11-22t10:00:00.5z', '2026-11-22T10:00:00.123000-00:00'].concat(
    ['2026-11-22T10:00:00.1234Z', '2016-12-31T23:59:60Z', '2026-11-22T24:00:00Z', '2026-11-22T10:00:00+24:00'],
    ['2026-11-22 10:00:00Z', '2026-11-22T10:00:00', '2026-11-22T10:00Z', '20261122T100000Z', '2026-02-29T00:00:00Z'],
    [
      '0000-01-01T00:00:00.12+23:59',
      '9999-12-31T23:59:59.999-23:59',
      '+12026-11-22T10:00:00Z',
      '2026-11-22T10:00:00+02',
    ],
  ),
  duration: ['P1D', 'PT1H', '1h1d', '1d 1h', '1.5h', '', '-', 'ms', '1w'],
};

class Texts extends CaseGenerator {
  /** A border, a spelling, or one with up to two characters changed. */
  next(kind: ExtensionKind, mutationRate = 0.5): string {
    const chosen = this.pick([...TEXTS[kind], ...BORDERS[kind], ...SPELLINGS[kind]]);
    if (!this.chance(mutationRate)) return chosen;
    const once = this.mutate(chosen);
    return this.chance(0.3) ? this.mutate(once) : once;
  }

  private mutate(from: string): string {
    const at = Math.floor(this.random() * (from.length + 1));
    return from.slice(0, at) + this.pick(MUTATIONS) + from.slice(at + this.pick([0, 1]));
  }
}

const refused = Symbol('refused');

/** The argument as Writ reads it, as Cedar's JSON. */
function read(kind: ExtensionKind, value: Json): Json | typeof refused {
  try {
    return cedarContext(typedContextInput(object({ x: text(kind) }, ['x']), { x: value }))['x'] ?? refused;
  } catch {
    return refused;
  }
}

const raw = (kind: ExtensionKind, arg: string): Json => ({ __extn: { fn: kind, arg } });

function give(name: string, policies: Readonly<Record<string, string>>): void {
  const parsed = cedar.preparsePolicySet(name, { staticPolicies: { ...policies } });
  if (parsed.type === 'failure') throw new Error(parsed.errors.map(({ message }) => message).join('; '));
}

const WHO = { principal: uids.agent('ada'), action: uids.action('t'), resource: uids.tool('t') };

function ask(name: string, context: JsonObject) {
  return cedar.statefulIsAuthorized({ ...WHO, context, preparsedPolicySetId: name, entities: [] } as never);
}

/** Whether Cedar takes two values for the same; refused when it takes one of them for none. */
function isSame(a: Json, b: Json): boolean | typeof refused {
  const answer = ask('same', { a, b });
  return answer.type === 'failure' ? refused : answer.response.decision === 'allow';
}

/** What somebody else makes of a text that Cedar does not read. */
const ELSEWHERE: Readonly<Record<ExtensionKind, (text: string) => Json>> = {
  ip: (address) => raw('ip', new URL(`http://[${address}]/`).hostname.slice(1, -1)),
  decimal: (number) => {
    const [whole = '', fraction = '0'] = number.split('.');
    if (/[^0]/.test(fraction.slice(4))) throw new Error(`${number} has more digits than a decimal`);
    return raw('decimal', `${whole}.${fraction.slice(0, 4)}`);
  },
  datetime: (moment) => {
    const duration = raw('duration', `${Date.parse(moment.toUpperCase())}ms`);
    return { __extn: { fn: 'offset', args: [raw('datetime', '1970-01-01'), duration] } };
  },
  duration: () => {
    throw new Error('a duration has one spelling');
  },
};

/** Where Writ is stricter: an argument is an address and no range, and no IPv4 address in the guise of an IPv6 one. */
function isStricter(kind: ExtensionKind, given: string): boolean {
  if (kind !== 'ip') return false;
  const isCarrying = CARRYING.map((range) => `context.a.isInRange(ip("${range}"))`).join(' || ');
  return given.includes('/') || isCedarTrue(raw('ip', given), isCarrying);
}

const CARRYING = ['::ffff:0:0/96', '::ffff:0:0:0/96', '64:ff9b::/96', '64:ff9b:1::/48', '2002::/16'];

function isCedarTrue(a: Json, condition: string): boolean {
  give('one', { p: `permit (principal, action, resource) when { ${condition} };` });
  const answer = ask('one', { a });
  return answer.type === 'success' && answer.response.decision === 'allow';
}

describe('the text of an argument', () => {
  beforeAll(() => give('same', { p: 'permit (principal, action, resource) when { context.a == context.b };' }));

  it.each(EXTENSIONS)(`is the value that Cedar reads: ${CASES} times %s (seed ${SEED})`, (kind) => {
    const texts = new Texts(SEED);
    const seen = { same: 0, spelt: 0, stricter: 0, refused: 0 };
    for (let n = 0; n < CASES; n++) {
      const given = texts.next(kind);
      const ours = read(kind, given);
      const isCedars = isSame(raw(kind, given), raw(kind, given)) === true;
      if (ours === refused) {
        if (isCedars && !isStricter(kind, given)) throw new Error(`Cedar reads the ${kind} ${given}, Writ does not`);
        seen[isCedars ? 'stricter' : 'refused'] += 1;
        continue;
      }
      const theirs = isCedars ? raw(kind, given) : ELSEWHERE[kind](given);
      if (isSame(ours, theirs) !== true) throw new Error(`${kind} ${given} is ${JSON.stringify(ours)} in Writ`);
      seen[isCedars ? 'same' : 'spelt'] += 1;
    }
    // The cases are worth something only if they differ.
    expect(Math.min(seen.same, seen.refused)).toBeGreaterThan(CASES / 10);
    expect(seen.spelt > CASES / 100).toBe(kind !== 'duration');
    expect(seen.stricter > CASES / 100).toBe(kind === 'ip');
  });

  it.each([
    [0, '0.0'],
    [-0, '0.0'],
    [0.1, '0.1'],
    [-12.3456, '-12.3456'],
    [1e3, '1000.0'],
    [922_337_203_685_477.5, '922337203685477.5'],
  ])('may be a number where it is a decimal: %d', (number, spelt) => {
    expect(isSame(read('decimal', number) as Json, raw('decimal', spelt))).toBe(true);
  });

  it.each([0.12345, 1e-7, 1e21, 922_337_203_685_478, true, null, { fn: 'decimal', arg: '1.0' }])(
    'is refused as a decimal when it is %j',
    (value) => {
      expect(read('decimal', value)).toBe(refused);
    },
  );
});

const INPUT = object(
  {
    ...Object.fromEntries(EXTENSIONS.flatMap((kind) => [1, 2].map((n) => [`${kind}${n}`, text(kind)]))),
    moments: { type: 'array', items: text('datetime') },
    from: object({ address: text('ip') }, ['address']),
    optional: text('ip'),
  },
  [...EXTENSIONS.flatMap((kind) => [`${kind}1`, `${kind}2`]), 'moments', 'from'],
);
const CONDITIONS = [
  ...EXTENSIONS.map((kind) => `input.${kind}1 == input.${kind}2`),
  ...['isIpv4', 'isIpv6', 'isLoopback', 'isMulticast'].map((method) => `input.ip1.${method}()`),
  ...['10.0.0.0/8', '::/0', '0.0.0.0/0', '::a00:0/112'].map((range) => `input.ip1.isInRange(ip("${range}"))`),
  ...['0.0.0.0', '::', '::102:304'].map((address) => `input.ip1 == ip("${address}")`),
  'input.ip1.isInRange(input.ip2)',
  'input has optional && input.optional == input.ip1',
  'input.from == {"address": input.ip1}',
  'input.from.address != input.ip2',
  ...['datetime', 'duration'].flatMap((kind) => ['<', '<=', '>'].map((op) => `input.${kind}1 ${op} input.${kind}2`)),
  ...['<', '=='].flatMap((op) => [`input.datetime1 ${op} context.time.now`, `context.time.now ${op} input.datetime2`]),
  ...['0000-01-01', '9999-12-31T23:59:59.999Z'].map((moment) => `input.datetime1 <= datetime("${moment}")`),
  'input.datetime1.toDate() == input.datetime2.toDate()',
  'input.datetime1.toTime() < input.datetime2.toTime()',
  'input.datetime1.durationSince(input.datetime2) > input.duration1',
  'input.datetime1.offset(input.duration1) < input.datetime2',
  'input.duration1.toDays() > input.duration2.toHours()',
  ...['lessThan', 'lessThanOrEqual', 'greaterThan'].map((method) => `input.decimal1.${method}(input.decimal2)`),
  'input.decimal1.lessThan(decimal("0.0"))',
  'input.moments.contains(input.datetime1)',
  'input.moments.containsAll([input.datetime1, input.datetime2])',
  'input.moments.containsAny([input.datetime2, context.time.now])',
  'input.moments == [input.datetime1, input.datetime2]',
].map((condition) => condition.replaceAll(/(?<!\.)\binput\b/g, 'context.input'));
const POLICIES = Object.fromEntries(
  CONDITIONS.map((condition, n) => [
    `p${n}`,
    `permit (principal, action == Action::"t", resource) when { ${condition} };`,
  ]),
);
const MODEL = {
  agents: [{ name: 'ada', teams: [] }],
  tools: [{ name: 't', kind: 'function', idempotent: true, input: INPUT }],
  namespaces: [],
  destinations: [],
};
const SCHEMA = generateSchema(MODEL);
const CHECKED_EVERY = 20;

/** The request as Writ reads it; undefined when it refuses one of the arguments. */
function contextOf(args: JsonObject, nowMs: number): PolicyContext | undefined {
  try {
    const time = { unix: Math.floor(nowMs / 1000), hour: 0, weekday: 0, now: datetimeOf(nowMs) };
    return { input: typedContextInput(INPUT, args), session: { callsToday: 0 }, time };
  } catch {
    return undefined;
  }
}

/** Arguments that are read, save for a few. */
function argumentsOf(texts: Texts): JsonObject {
  const readable = (kind: ExtensionKind): string => {
    for (let given = texts.next(kind, 0.2); ; given = texts.next(kind, 0.2)) {
      if (read(kind, given) !== refused || texts.chance(0.005)) return given;
    }
  };
  const pairs = EXTENSIONS.flatMap((kind) => {
    const one = readable(kind);
    return [
      [`${kind}1`, one],
      [`${kind}2`, texts.chance(0.2) ? one : readable(kind)],
    ] as const;
  });
  const own = Object.fromEntries(pairs);
  const moments = Array.from({ length: Math.floor(texts.random() * 4) }, () =>
    texts.chance(0.5) ? (own['datetime1'] ?? '') : readable('datetime'),
  );
  const from = { address: texts.chance(0.3) ? (own['ip1'] ?? '') : readable('ip') };
  return { ...own, moments, from, ...(texts.chance(0.5) ? { optional: own['ip1'] ?? '' } : {}) };
}

describe('a request with arguments of extension types', () => {
  it('is asked about by policies that validate strictly', () => {
    const answer = cedar.validate({ schema: SCHEMA, policies: { staticPolicies: POLICIES } });
    expect(answer).toMatchObject({ type: 'success', validationErrors: [] });
  });

  it(`is decided as Cedar decides it: ${CASES} requests, ${CONDITIONS.length} policies (seed ${SEED})`, () => {
    give('typed', POLICIES);
    const set = compilePolicies(bundleOf(POLICIES), policyEntities(MODEL));
    const texts = new Texts(SEED);
    const seen = { decided: 0, refused: 0, held: new Set<string>(), rested: new Set<string>(), errors: 0 };
    for (let n = 0; n < CASES; n++) {
      const args = argumentsOf(texts);
      const context = contextOf(args, Date.UTC(2026, 10, 22, 10, 0, 0, 122 + Math.floor(texts.random() * 3)));
      if (context === undefined) {
        seen.refused += 1;
        continue;
      }
      const inCedar = cedarContext(context);
      if (n % CHECKED_EVERY === 0) {
        const checked = cedar.checkParseContext({ context: inCedar as never, schema: SCHEMA, action: WHO.action });
        expect(checked).toEqual({ type: 'success' });
      }
      const answer = ask('typed', inCedar);
      if (answer.type === 'failure') throw new Error(`Cedar does not take ${JSON.stringify(args)}`);
      const { reason, errors } = answer.response.diagnostics;
      const expected = {
        effect: reason.length > 0 ? 'permit' : 'forbid',
        determining: reason.toSorted(),
        errors: errors.map(({ policyId }) => policyId).toSorted(),
      };
      const actual = actualOf(decide(set, { ...WHO, context }));
      if (JSON.stringify(actual) !== JSON.stringify(expected)) {
        throw new Error(`Writ and Cedar differ: ${JSON.stringify({ n, args, actual, expected }, null, 1)}`);
      }
      seen.decided += 1;
      seen.errors += errors.length;
      for (const id of Object.keys(POLICIES)) (reason.includes(id) ? seen.held : seen.rested).add(id);
    }
    expect(seen.decided).toBeGreaterThan(CASES * 0.8);
    expect(Math.min(seen.refused, seen.errors)).toBeGreaterThan(0);
    // Each policy held for some and did not hold for others.
    expect([seen.held.size, seen.rested.size]).toEqual([CONDITIONS.length, CONDITIONS.length]);
  }, 300_000);
});
