import type { Json, JsonObject } from '#writ/contracts';
import type { Entity, EntityUid } from '#writ/policy';
import {
  attribute,
  BOOLEANS,
  call,
  type Choices,
  CONTEXT,
  FOCUSED,
  LONGS,
  pair,
  value,
  variable,
} from './cedar-builders.js';
import {
  ENTITIES,
  type ExtensionKind,
  EXTENSIONS,
  type Kind,
  KINDS,
  MUTATIONS,
  NAMES,
  TEXTS,
  uid,
  WORDS,
} from './cedar-world.js';

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

/** Makes random policies, entities and requests. Expressions are typed, with a few deliberate mistakes. */
export class CaseGenerator implements Choices {
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
    return this.chance(0.5) ? this.#focusedPolicy() : this.#anyPolicy();
  }

  /** About tags and extension values alone: in a tree of everything they are seldom what decides. */
  #focusedPolicy(): Json {
    const open = { op: 'All' };
    const body = this.pick(FOCUSED)(this, (kind) => this.expression(kind, Math.floor(this.random() * 3)));
    const effect = this.chance(0.65) ? 'permit' : 'forbid';
    return { effect, principal: open, action: open, resource: open, conditions: [{ kind: 'when', body }] };
  }

  #anyPolicy(): Json {
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
