import type { Json, JsonObject } from '#writ/contracts';
import type { Entity, EntityUid } from '#writ/policy';

/** Makes random policies, entities and requests. Expressions are typed, with a few deliberate mistakes. */

type Kind = 'bool' | 'long' | 'string' | 'set' | 'entity' | 'record' | ExtensionKind;
type ExtensionKind = 'ip' | 'decimal' | 'datetime' | 'duration';
const EXTENSIONS: readonly ExtensionKind[] = ['ip', 'decimal', 'datetime', 'duration'];
const KINDS: readonly Kind[] = ['bool', 'long', 'string', 'set', 'entity', 'record', ...EXTENSIONS];

/** Text that a constructor takes, and text that it only nearly takes. */
const TEXTS: Readonly<Record<ExtensionKind, readonly string[]>> = {
  ip: [
    '10.1.2.3',
    '10.0.0.0/8',
    '127.0.0.1',
    '224.0.0.9/4',
    '::1',
    'ff02::1/16',
    '::/0',
    '1:2:3:4:5:6:7:8/127',
    '1.2.3.256',
  ],
  decimal: [
    '0.0',
    '-0.0',
    '1.5',
    '1.50',
    '-12.3456',
    '922337203685477.5807',
    '-922337203685477.5808',
    '922337203685477.5808',
  ],
  datetime: [
    '1970-01-01',
    '2024-02-29',
    '2023-12-31T23:59:59.999Z',
    '2024-01-01T01:00:00+0100',
    '0000-01-01',
    '2023-02-29',
  ],
  duration: ['0ms', '1d', '24h', '-1d2h3m4s5ms', '9223372036854775807ms', '-9223372036854775808ms', '106751991168d'],
};
/** Those whose milliseconds stay in 2^53, beyond which Writ errors and Cedar does not. */
const SHORT_DURATIONS: readonly string[] = ['0ms', '1d', '90m', '-1500ms', '-1d2h3m4s5ms', '104249991d'];
const MUTATIONS = ['', '0', '1', '9', '.', ':', '-', '+', '/', 'T', 'Z', 'd', 'ms', ' ', '٣'];
const WORDS: readonly string[] = ['', 'a', 'ab', 'a*b', 'Ab', 'é', '🎉', 'toString'];

const uid = (type: string, id: string): EntityUid => ({ type, id });
const escape = (fn: string, arg: string): Json => ({ __extn: { fn, arg } });
const ENTITIES: readonly Entity[] = [
  {
    uid: uid('User', 'a'),
    attrs: { lvl: 3, name: 'ab', ip: escape('ip', '10.1.2.3') },
    parents: [uid('Team', 't1')],
    tags: { a: 1, é: 'ab', ip: escape('ip', '::1') },
  },
  { uid: uid('User', 'b'), attrs: { lvl: 1, name: 'é', decimal: escape('decimal', '1.5') }, parents: [], tags: {} },
  {
    uid: uid('User', 'ü"\0'),
    attrs: { datetime: escape('datetime', '2024-02-29') },
    parents: [uid('Team', 't1'), uid('Org', 'undeclared')],
  },
  { uid: uid('Team', 't1'), attrs: {}, parents: [uid('Org', 'o')], tags: { a: ['a', 'b'] } },
  { uid: uid('Team', 't2'), attrs: {}, parents: [] },
  { uid: uid('Org', 'o'), attrs: {}, parents: [] },
  {
    uid: uid('Doc', 'd1'),
    attrs: { title: 'a*b', owner: { __entity: uid('User', 'a') }, duration: escape('duration', '24h') },
    parents: [uid('Team', 't2')],
  },
  {
    uid: uid('Doc', 'd2'),
    attrs: { title: '', lvl: 2, owner: { __entity: uid('User', 'b') } },
    parents: [],
    tags: { constructor: true },
  },
  // Names that a key built without quoting would take for one another.
  { uid: uid('Mcp', 'Tool::x'), attrs: {}, parents: [] },
  { uid: uid('Mcp::Tool', 'x'), attrs: {}, parents: [uid('Mcp', 'Tool::"x"\0')] },
  { uid: uid('Action', 'read'), attrs: {}, parents: [uid('Action', 'all')] },
  { uid: uid('Action', 'all'), attrs: {}, parents: [] },
];
const NAMES: readonly EntityUid[] = [
  ...ENTITIES.map((entity) => entity.uid),
  uid('Doc', 'ghost'),
  uid('Mcp', 'Tool::"x"\0'),
  uid('User', 'ghost'),
];

const value = (json: Json): Json => ({ Value: json });
const variable = (name: string): Json => ({ Var: name });
const attribute = (left: Json, attr: string): Json => ({ '.': { left, attr } });
const pair = (operator: string, left: Json, right: Json): Json => ({ [operator]: { left, right } });
const call = (name: string, ...args: readonly Json[]): Json => ({ [name]: [...args] });
const CONTEXT = variable('context');

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

export class CaseGenerator {
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

  /** Some of the entities: names of the others are of entities that nobody declared. */
  entities(): readonly Entity[] {
    const share = this.pick([0.1, 0.3, 0.5]);
    return ENTITIES.filter(() => this.chance(share));
  }

  request(): { principal: EntityUid; action: EntityUid; resource: EntityUid; context: JsonObject } {
    const action = this.pick([
      uid('Action', 'read'),
      uid('Action', 'read'),
      uid('Action', 'write'),
      uid('Action', 'ghost'),
    ]);
    return { principal: this.pick(NAMES), action, resource: this.pick(NAMES), context: this.#context() };
  }

  policy(): Json {
    const part = (): Json => {
      const entity = this.pick(NAMES);
      return this.pick<Json>([
        { op: 'All' },
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
        return this.chance(0.5) ? this.#leaf('set') : { Set: this.#pairOf(sub) };
      case 'record':
        return this.chance(0.4) ? { Record: { k: sub('long'), name: sub('string') } } : this.#leaf('record');
      case 'datetime':
        return this.pick<() => Json>([
          () => call('offset', sub('datetime'), sub('duration')),
          () => call('toDate', sub('datetime')),
          () => this.#leaf(kind),
        ])();
      case 'duration':
        return this.pick<() => Json>([
          () => call('durationSince', sub('datetime'), sub('datetime')),
          () => call('toTime', sub('datetime')),
          () => this.#leaf(kind),
        ])();
      case 'ip':
      case 'decimal':
      case 'string':
      case 'entity':
        return this.#leaf(kind);
    }
  }

  shortDuration(): Json {
    return call('duration', value(this.pick(SHORT_DURATIONS)));
  }

  #pairOf(sub: (kind: Kind) => Json): readonly Json[] {
    const kind = this.pick<Kind>(['string', 'string', 'entity', ...EXTENSIONS]);
    return [sub(kind), sub(kind)];
  }

  #text(kind: ExtensionKind): string {
    const text = this.pick(TEXTS[kind]);
    if (!this.chance(0.15)) return text;
    const at = Math.floor(this.random() * (text.length + 1));
    return text.slice(0, at) + this.pick(MUTATIONS) + text.slice(at + Math.floor(this.random() * 2));
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
          pair('getTag', variable('principal'), value('a')),
        ]);
      case 'string':
        return this.pick([
          value(this.pick(WORDS)),
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
          { Set: [this.#leaf('decimal'), this.#leaf('duration')] },
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
      default:
        return this.#extension(kind);
    }
  }

  #extension(kind: ExtensionKind): Json {
    return this.pick([
      call(kind, value(this.#text(kind))),
      call(kind, value(this.pick(TEXTS[kind]))),
      call(kind, attribute(CONTEXT, kind)),
      attribute(variable(this.pick(['principal', 'resource'])), kind),
      pair('getTag', variable('principal'), value(this.pick([kind, 'ip']))),
    ]);
  }

  #context(): JsonObject {
    const kind = this.pick(EXTENSIONS);
    return {
      b: this.chance(0.5),
      ...(this.chance(0.9) ? { n: Math.floor(this.random() * 7) - 3 } : {}),
      // Small enough that no product leaves 2^53, where Writ errors and Cedar does not.
      m: this.pick([0, 2, -1, 7]),
      s: this.pick(WORDS),
      [kind]: this.#text(kind),
      set: this.pick<Json>([[], ['a'], ['b', 'a', 'a'], ['é']]),
      nset: this.pick<Json>([[], [1], [[1], { k: 1 }]]),
      ...(this.chance(0.1)
        ? { long: Array.from({ length: 20 }, (_each, i) => this.pick<Json>([i, 'a', 'b', `x${i}`])) }
        : {}),
      rec: this.pick<Json>([{ k: 1, name: 'ab' }, { k: 2 }, {}]),
    };
  }
}

type Sub = (kind: Kind) => Json;
type Builder = (generator: CaseGenerator, sub: Sub) => Json;
const COMPARISONS = ['<', '<=', '>', '>='];

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
  (g, sub) => pair(g.pick(COMPARISONS), sub('long'), sub('long')),
  (g, sub) => {
    const kind = g.pick<Kind>(['datetime', 'duration']);
    return pair(g.pick(COMPARISONS), sub(kind), sub(kind));
  },
  (g, sub) => {
    const unit = g.pick(['toMilliseconds', 'toSeconds', 'toMinutes', 'toHours', 'toDays']);
    return pair(g.pick(COMPARISONS), call(unit, g.shortDuration()), sub('long'));
  },
  (g, sub) =>
    call(g.pick(['lessThan', 'lessThanOrEqual', 'greaterThan', 'greaterThanOrEqual']), sub('decimal'), sub('decimal')),
  (g, sub) => call(g.pick(['isIpv4', 'isIpv6', 'isLoopback', 'isMulticast']), sub('ip')),
  (_g, sub) => call('isInRange', sub('ip'), sub('ip')),
  (g, sub) =>
    pair(
      'hasTag',
      sub('entity'),
      g.chance(0.3) ? sub('string') : value(g.pick(['a', 'é', 'constructor', '__proto__'])),
    ),
  (g, sub) => pair('in', sub('entity'), g.chance(0.7) ? sub('entity') : { Set: [sub('entity'), sub('entity')] }),
  (g, sub) => pair('contains', sub('set'), sub(g.pick<Kind>(['string', 'long', 'entity', ...EXTENSIONS]))),
  (g, sub) => pair(g.pick(['containsAll', 'containsAny']), sub('set'), sub('set')),
  (_g, sub) => ({ isEmpty: { arg: sub('set') } }),
  (g, sub) => ({
    has: {
      left: sub(g.pick<Kind>(['record', 'entity'])),
      attr: g.pick(['k', 'name', 'lvl', 'zzz', 'title', 'n', 'toString', 'ip']),
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
