import type { Json, JsonObject } from '#writ/contracts';
import {
  compilePolicies,
  couldPermit,
  decide,
  type Entity,
  type EntityUid,
  PolicyBundle,
  PolicyJson,
  type PolicyRequest,
} from '#writ/policy';
import { cedar } from './cedar-oracle.js';

/**
 * Random policies and requests, decided by Writ and by Cedar. Expressions are typed with a few deliberate mistakes. More
 * with `WRIT_FUZZ=<decisions>`; another start with `WRIT_FUZZ_SEED=<integer>`.
 */
const DECISIONS = Number(process.env['WRIT_FUZZ'] ?? 5_000);
const SEED = Number(process.env['WRIT_FUZZ_SEED'] ?? 20_261_122);

const uid = (type: string, id: string): EntityUid => ({ type, id });
const ENTITIES: readonly Entity[] = [
  { uid: uid('User', 'a'), attrs: { lvl: 3, name: 'ab' }, parents: [uid('Team', 't1')] },
  { uid: uid('User', 'b'), attrs: { lvl: 1, name: 'é' }, parents: [] },
  { uid: uid('Team', 't1'), attrs: {}, parents: [uid('Org', 'o')] },
  { uid: uid('Team', 't2'), attrs: {}, parents: [] },
  { uid: uid('Org', 'o'), attrs: {}, parents: [] },
  {
    uid: uid('Doc', 'd1'),
    attrs: { title: 'a*b', owner: { __entity: uid('User', 'a') } },
    parents: [uid('Team', 't2')],
  },
  { uid: uid('Doc', 'd2'), attrs: { title: '', lvl: 2, owner: { __entity: uid('User', 'b') } }, parents: [] },
  // Names that a key built without quoting would take for one another.
  { uid: uid('Mcp', 'Tool::x'), attrs: {}, parents: [] },
  { uid: uid('Mcp::Tool', 'x'), attrs: {}, parents: [uid('Mcp', 'Tool::"x"\0')] },
  { uid: uid('Action', 'read'), attrs: {}, parents: [uid('Action', 'all')] },
  { uid: uid('Action', 'all'), attrs: {}, parents: [] },
];
const NAMES = [
  ...ENTITIES.map((entity) => entity.uid),
  uid('Doc', 'ghost'),
  uid('Mcp', 'Tool::"x"\0'),
  uid('User', 'ghost'),
];

/** mulberry32: small, seeded, good enough to choose cases. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

type Kind = 'bool' | 'long' | 'string' | 'set' | 'entity' | 'record';
const KINDS: readonly Kind[] = ['bool', 'long', 'string', 'set', 'entity', 'record'];
const value = (json: Json): Json => ({ Value: json });
const variable = (name: string): Json => ({ Var: name });
const attribute = (left: Json, attr: string): Json => ({ '.': { left, attr } });
const CONTEXT = variable('context');

class Generator {
  readonly random: () => number;

  constructor(seed: number) {
    this.random = seeded(seed);
  }

  pick<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.random() * choices.length)] as T;
  }

  chance(probability: number): boolean {
    return this.random() < probability;
  }

  expression(wanted: Kind, depth: number): Json {
    const kind = this.chance(0.04) ? this.pick(KINDS) : wanted;
    if (depth <= 0) return this.#leaf(kind);
    const sub = (of: Kind): Json => this.expression(of, depth - 1 - Math.floor(this.random() * 2));
    switch (kind) {
      case 'bool':
        return this.pick(BOOLEANS)(this, sub);
      case 'long':
        return this.pick(LONGS)(this, sub);
      case 'set':
        return this.chance(0.5) ? this.#leaf('set') : { Set: [sub('string'), sub('string')] };
      case 'record':
        return this.chance(0.4) ? { Record: { k: sub('long'), name: sub('string') } } : this.#leaf('record');
      case 'string':
      case 'entity':
        return this.#leaf(kind);
    }
  }

  #leaf(kind: Kind): Json {
    switch (kind) {
      case 'bool':
        return this.pick([value(true), value(false), attribute(CONTEXT, 'b')]);
      case 'long':
        return this.pick([
          value(Math.floor(this.random() * 7) - 3),
          attribute(CONTEXT, 'n'),
          attribute(CONTEXT, 'm'),
          attribute(variable('principal'), 'lvl'),
          attribute(attribute(CONTEXT, 'rec'), 'k'),
        ]);
      case 'string':
        return this.pick([
          value(this.pick(['', 'a', 'ab', 'a*b', 'Ab', 'é', '🎉'])),
          attribute(CONTEXT, 's'),
          attribute(attribute(CONTEXT, 'rec'), 'name'),
          attribute(variable('resource'), 'title'),
        ]);
      case 'set':
        return this.pick<Json>([
          attribute(CONTEXT, 'set'),
          { Set: [value('a'), value('b')] },
          { Set: [] },
          attribute(CONTEXT, 'nset'),
          { Set: [value(1), value('a'), value(true)] },
          { Set: [variable('principal'), value({ __entity: uid('User', 'ghost') })] },
          attribute(CONTEXT, 'long'),
        ]);
      case 'entity':
        return this.pick([
          variable('principal'),
          variable('resource'),
          variable('action'),
          value({ __entity: this.pick(NAMES) }),
          attribute(variable('resource'), 'owner'),
        ]);
      case 'record':
        return this.pick<Json>([
          attribute(CONTEXT, 'rec'),
          { Record: { k: value(1), name: value('ab') } },
          { Record: {} },
          CONTEXT,
        ]);
    }
  }

  policy(): Json {
    const part = (): Json => {
      const entity = this.pick(NAMES);
      return this.pick<Json>([
        { op: 'All' },
        { op: 'All' },
        { op: '==', entity },
        { op: 'in', entity },
        { op: 'is', entity_type: this.pick(['User', 'Doc', 'Mcp', 'Mcp::Tool']) },
        { op: 'is', entity_type: this.pick(['User', 'Doc']), in: { entity } },
      ]);
    };
    const action = this.pick<Json>([
      { op: 'All' },
      { op: 'All' },
      { op: '==', entity: uid('Action', 'read') },
      { op: 'in', entity: uid('Action', 'all') },
      { op: 'in', entities: [uid('Action', 'write'), uid('Action', 'read')] },
    ]);
    const conditions = Array.from({ length: Math.floor(this.random() * 3) }, () => ({
      kind: this.chance(0.67) ? 'when' : 'unless',
      body: this.expression('bool', 4),
    }));
    return { effect: this.chance(0.65) ? 'permit' : 'forbid', principal: part(), action, resource: part(), conditions };
  }

  context(): JsonObject {
    return {
      b: this.chance(0.5),
      ...(this.chance(0.9) ? { n: Math.floor(this.random() * 7) - 3 } : {}),
      // Small enough that no product leaves 2^53, where Writ errors and Cedar does not.
      m: this.pick([0, 2, -1, 7]),
      s: this.pick(['', 'a', 'ab', 'a*b', 'aéb', '🎉']),
      set: this.pick<Json>([[], ['a'], ['b', 'a', 'a'], ['é']]),
      nset: this.pick<Json>([[], [1], [[1], { k: 1 }]]),
      long: Array.from({ length: 20 }, (_each, i) => this.pick<Json>([i, 'a', 'b', `x${i}`])),
      rec: this.pick<Json>([{ k: 1, name: 'ab' }, { k: 2 }, {}]),
    };
  }
}

type Sub = (kind: Kind) => Json;
type Builder = (generator: Generator, sub: Sub) => Json;
const pair = (operator: string, left: Json, right: Json): Json => ({ [operator]: { left, right } });

const LONGS: readonly Builder[] = [
  (g, sub) => pair(g.pick(['+', '-', '*']), sub('long'), sub('long')),
  (_g, sub) => ({ neg: { arg: sub('long') } }),
  (_g, sub) => ({ 'if-then-else': { if: sub('bool'), then: sub('long'), else: sub('long') } }),
  (_g, sub) => sub('long'),
];

const BOOLEANS: readonly Builder[] = [
  (_g, sub) => ({ '!': { arg: sub('bool') } }),
  (_g, sub) => pair('&&', sub('bool'), sub('bool')),
  (_g, sub) => pair('&&', sub('bool'), sub('bool')),
  (_g, sub) => pair('||', sub('bool'), sub('bool')),
  (g, sub) => {
    const kind = g.pick(KINDS);
    return pair(g.pick(['==', '!=']), sub(kind), sub(g.chance(0.85) ? kind : g.pick(KINDS)));
  },
  (g, sub) => pair(g.pick(['<', '<=', '>', '>=']), sub('long'), sub('long')),
  (g, sub) => pair('in', sub('entity'), g.chance(0.7) ? sub('entity') : { Set: [sub('entity'), sub('entity')] }),
  (g, sub) => pair('contains', sub('set'), sub(g.pick<Kind>(['string', 'long', 'entity']))),
  (g, sub) => pair(g.pick(['containsAll', 'containsAny']), sub('set'), sub('set')),
  (_g, sub) => ({ isEmpty: { arg: sub('set') } }),
  (g, sub) => ({
    has: {
      left: sub(g.pick<Kind>(['record', 'entity'])),
      attr: g.pick(['k', 'name', 'lvl', 'zzz', 'title', 'n', 'toString']),
    },
  }),
  (g) => ({
    has: {
      left: CONTEXT,
      attr: g.pick([
        ['rec', 'k'],
        ['rec', 'name', 'x'],
        ['zzz', 'k'],
      ]),
    },
  }),
  (g, sub) => {
    const pattern = Array.from({ length: Math.floor(g.random() * 5) }, () =>
      g.chance(0.45) ? 'Wildcard' : { Literal: g.pick(['a', 'b', 'A', '*', 'é', '🎉']) },
    );
    return { like: { left: sub('string'), pattern } };
  },
  (g, sub) => ({ is: { left: sub('entity'), entity_type: g.pick(['User', 'Doc', 'Team']) } }),
  (g, sub) => ({ is: { left: sub('entity'), entity_type: g.pick(['User', 'Doc']), in: sub('entity') } }),
  (_g, sub) => ({ 'if-then-else': { if: sub('bool'), then: sub('bool'), else: sub('bool') } }),
  (_g, sub) => pair('==', sub('set'), sub('set')),
];

/** What Cedar answers, with the one place where Writ is stricter applied: a forbid that errors denies. */
function askCedar(request: PolicyRequest, forbids: ReadonlySet<string>): unknown {
  const answer = cedar.statefulIsAuthorized({
    ...(request as PolicyRequest & { resource: EntityUid }),
    context: request.context as never,
    preparsedPolicySetId: 'fuzz',
    entities: ENTITIES as never,
  });
  if (answer.type === 'failure') throw new Error(answer.errors.map((error) => error.message).join('; '));
  const { decision, diagnostics } = answer.response;
  const erroring = diagnostics.errors.map(({ policyId }) => policyId).filter((id) => forbids.has(id));
  const isForbidden = diagnostics.reason.some((id) => forbids.has(id));
  if (erroring.length > 0 && !isForbidden) return { effect: 'forbid', determining: erroring.sort() };
  return { effect: decision === 'allow' ? 'permit' : 'forbid', determining: [...diagnostics.reason].sort() };
}

function bundleOfJson(policies: readonly Json[]): PolicyBundle {
  const sources = policies.map((json, i) => {
    const est = PolicyJson.parse(json);
    return { id: `p${i}`, file: 'policies/fuzz.cedar', line: 1, col: 1, text: '', est, annotations: {} };
  });
  return { v: 1, hash: `sha256:${'0'.repeat(64)}`, cedarVersion: '0', policies: sources };
}

describe('decide', () => {
  it(`agrees with Cedar on ${DECISIONS} random decisions (seed ${SEED})`, () => {
    const seen = { permit: 0, forbid: 0, errors: 0 };
    for (let decisions = 0, round = 0; decisions < DECISIONS; round++) {
      const generator = new Generator(SEED + round);
      const policies = Array.from({ length: 1 + Math.floor(generator.random() * 5) }, () => generator.policy());
      const bundle = bundleOfJson(policies);
      const forbids = new Set(bundle.policies.filter(({ est }) => est.effect === 'forbid').map(({ id }) => id));
      const parsed = cedar.preparsePolicySet('fuzz', {
        staticPolicies: Object.fromEntries(policies.map((json, i) => [`p${i}`, json])) as never,
      });
      if (parsed.type === 'failure') throw new Error(parsed.errors.map((error) => error.message).join('; '));
      const set = compilePolicies(bundle, ENTITIES);
      for (let i = 0; i < 16; i++, decisions++) {
        const request = {
          principal: generator.pick(NAMES),
          action: generator.pick([uid('Action', 'read'), uid('Action', 'write'), uid('Action', 'ghost')]),
          resource: generator.pick(NAMES),
          context: generator.context(),
        };
        const decision = decide(set, request);
        const actual = { effect: decision.effect, determining: decision.determining.map(({ id }) => id).sort() };
        const expected = askCedar(request, forbids);
        if (JSON.stringify(actual) !== JSON.stringify(expected)) {
          expect({ seed: SEED + round, policies, request, actual }).toEqual({ actual: expected });
        }
        seen[decision.effect]++;
        if (decision.errors.length > 0) seen.errors++;
      }
    }
    // The cases are worth something only if they differ.
    expect(Math.min(seen.permit, seen.forbid, seen.errors)).toBeGreaterThan(DECISIONS / 50);
  }, 600_000);
});

describe('couldPermit', () => {
  it(`hides nothing that is permitted in ${DECISIONS} random decisions (seed ${SEED})`, () => {
    const seen = { hidden: 0, permitted: 0 };
    for (let decisions = 0, round = 0; decisions < DECISIONS; round++) {
      const generator = new Generator(SEED + round);
      const policies = Array.from({ length: 1 + Math.floor(generator.random() * 5) }, () => generator.policy());
      const set = compilePolicies(bundleOfJson(policies), ENTITIES);
      for (let i = 0; i < 4; i++) {
        const asked = {
          principal: generator.pick(NAMES),
          action: generator.pick([uid('Action', 'read'), uid('Action', 'write'), uid('Action', 'ghost')]),
          resource: generator.pick(NAMES),
        };
        const isListed = couldPermit(set, asked);
        if (!isListed) seen.hidden++;
        for (let each = 0; each < 4; each++, decisions++) {
          const context = generator.context();
          if (decide(set, { ...asked, context }).effect !== 'permit') continue;
          seen.permitted++;
          if (!isListed) expect({ seed: SEED + round, policies, asked, context }).toEqual('listed');
        }
      }
    }
    expect(Math.min(seen.hidden * 4, seen.permitted)).toBeGreaterThan(DECISIONS / 20);
  }, 600_000);
});
