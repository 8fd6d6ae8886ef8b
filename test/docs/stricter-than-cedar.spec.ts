import type { Json, JsonObject } from '#writ/contracts';
import { compilePolicies, decide, type Entity, type PolicyDecision, typedContextInput } from '#writ/policy';
import { bundleOf, cedar } from '../vectors/cedar-oracle.js';
import { read } from './repository.js';

const PERMIT = 'permit (principal, action, resource);';
const permitWhen = (condition: string): string => `permit (principal, action, resource) when { ${condition} };`;
const forbidWhen = (condition: string): string => `forbid (principal, action, resource) when { ${condition} };`;
const uid = (type: string): { type: string; id: string } => ({ type, id: 'a' });
const withAttribute = (value: Json): Entity => ({ uid: uid('User'), attrs: { x: value }, parents: [] });

interface Case {
  readonly policies: readonly string[];
  readonly context?: JsonObject;
  readonly entities?: readonly Entity[];
}

const requestOf = ({ context = {} }: Case) => {
  return { principal: uid('User'), action: uid('Action'), resource: uid('Doc'), context };
};

function inWrit(test: Case): PolicyDecision {
  const bundle = bundleOf(Object.fromEntries(test.policies.map((text, i) => [`p${i}`, text])));
  return decide(compilePolicies(bundle, test.entities ?? []), requestOf(test));
}

/** Cedar's decision, or that it does not take the request. */
function inCedar(test: Case): 'allow' | 'deny' | 'refused' {
  const staticPolicies = Object.fromEntries(test.policies.map((text, i) => [`p${i}`, text]));
  const answer = cedar.isAuthorized({
    ...requestOf(test),
    policies: { staticPolicies },
    entities: test.entities ?? [],
  } as never);
  return answer.type === 'failure' ? 'refused' : answer.response.decision;
}

function isRefusedAtLoad(test: Case): void {
  expect(() => inWrit(test)).toThrow(expect.objectContaining({ code: 'POLICY_UNSUPPORTED' }) as Error);
}

function isDenied(test: Case, code: PolicyDecision['code']): void {
  expect(inWrit(test)).toMatchObject({ effect: 'forbid', code });
}

const REDACTING = String.raw`@obligations("[{\"type\":\"redact\",\"target\":\"output\",\"paths\":[\"/a\"]}]") `;

/** By the first cell of each row of the table in docs/policies.md. */
const CASES: Readonly<Record<string, () => void>> = {
  'a forbid that errors': () => {
    const test = { policies: [PERMIT, forbidWhen('context.missing')] };
    expect(inCedar(test)).toBe('allow');
    isDenied(test, 'forbid_evaluation_error');
  },
  'a permit with obligations that errors': () => {
    const test = { policies: [PERMIT, REDACTING + permitWhen('context.missing')] };
    expect(inCedar(test)).toBe('allow');
    isDenied(test, 'obligation_unenforceable');
  },
  'an integer beyond 2^53 in a policy': () => {
    const test = { policies: [permitWhen('9007199254740993 > 1')] };
    expect(inCedar(test)).toBe('allow');
    isRefusedAtLoad(test);
  },
  'an integer beyond 2^53 in entity data': () => {
    const test = { policies: [permitWhen('principal.x > 1')], entities: [withAttribute(2 ** 60)] };
    expect(inCedar(test)).toBe('allow');
    isRefusedAtLoad(test);
  },
  'arithmetic beyond 2^53': () => {
    const test = { policies: [permitWhen('context.n + 1 > 0')], context: { n: Number.MAX_SAFE_INTEGER } };
    expect(inCedar(test)).toBe('allow');
    isDenied(test, 'no_policy_permits');
    expect(inWrit(test).errors).toHaveLength(1);
  },
  'units of a duration beyond 2^53': () => {
    const inMs = { policies: [permitWhen('duration("9223372036854775807ms").toMilliseconds() > 0')] };
    expect(inCedar(inMs)).toBe('allow');
    isDenied(inMs, 'no_policy_permits');
    const itself = { policies: [permitWhen('duration("9223372036854775807ms") > duration("9223372036854775806ms")')] };
    expect([inCedar(itself), inWrit(itself).effect]).toEqual(['allow', 'permit']);
  },
  'a duration of more than 256 characters, a decimal of more than 64': () => {
    const texts = {
      duration: ['0'.repeat(254), '1ms'],
      decimal: ['0'.repeat(62), '1.0'],
    };
    for (const [type, parts] of Object.entries(texts)) {
      const test = {
        policies: [permitWhen(`${type}(context.x) == ${type}(context.x)`)],
        context: { x: parts.join('') },
      };
      expect(inCedar(test)).toBe('allow');
      isDenied(test, 'no_policy_permits');
      expect(inWrit(test).errors).toHaveLength(1);
    }
  },
  'an extension value in entity data that errors': () => {
    const test = { policies: [PERMIT], entities: [withAttribute({ __extn: { fn: 'ip', arg: '1.2.3.256' } })] };
    expect(inCedar(test)).toBe('refused');
    isRefusedAtLoad(test);
  },
  '`unknown`': () => isRefusedAtLoad({ policies: [permitWhen('unknown("x")')] }),
  'the attribute `__proto__`': () => {
    const test = { policies: [permitWhen('{"__proto__": 1} has "__proto__"')] };
    expect(inCedar(test)).toBe('allow');
    isRefusedAtLoad(test);
    const entities = [withAttribute(JSON.parse('{"__proto__": 1}') as Json)];
    isRefusedAtLoad({ policies: [permitWhen('principal.x has "__proto__"')], entities });
  },
  '`__entity` and `__extn` in a request': () => {
    const entity = { policies: [permitWhen('context.x == principal')], context: { x: { __entity: uid('User') } } };
    const address = {
      policies: [permitWhen('context.x.isLoopback()')],
      context: { x: { __extn: { fn: 'ip', arg: '::1' } } },
    };
    for (const test of [entity, address]) {
      expect(inCedar(test)).toBe('allow');
      isDenied(test, 'no_policy_permits');
    }
  },
  'an argument that is a range, or an IPv4 address in an IPv6 one': () => {
    const schema = { type: 'object', properties: { x: { type: 'string', 'x-cedar-type': 'ipaddr' } } };
    for (const arg of ['10.0.0.1/8', '::ffff:a00:1']) {
      const outside = forbidWhen('context.x.isInRange(ip("10.0.0.0/30"))');
      expect(inCedar({ policies: [PERMIT, outside], context: { x: { __extn: { fn: 'ip', arg } } } })).toBe('allow');
      expect(() => typedContextInput(schema, { x: arg })).toThrow('`/x`: is no `ipaddr` that policies can read');
    }
  },
  'null in a context': () => {
    const test = { policies: [permitWhen('context.x == context.x')], context: { x: null } };
    expect(inCedar(test)).toBe('refused');
    isDenied(test, 'no_policy_permits');
    expect(inWrit(test).errors).toHaveLength(1);
  },
};

describe('docs/policies.md, on what is stricter than Cedar,', () => {
  it('has a row for each of these tests, and no other', () => {
    const table = read('docs/policies.md').split('| stricter than Cedar')[1]?.split('\n\n')[0] ?? '';
    const rows = table.split('\n').slice(2);
    expect(rows.map((row) => row.split('|')[1]?.trim())).toEqual(Object.keys(CASES));
  });

  it.each(Object.entries(CASES))('is right about %s', (_row, test) => {
    expect.hasAssertions();
    test();
  });
});
