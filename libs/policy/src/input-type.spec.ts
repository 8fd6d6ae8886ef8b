import { cedar } from '../../../test/vectors/cedar-oracle.js';
import type { Json, JsonObject } from '#writ/contracts';
import { typedContextInput, untypedArgumentsOf } from './input-type.js';
import { generateSchema, untypedArguments } from './schema.js';

const object = (properties: Readonly<Record<string, Json>>, more: JsonObject = {}): JsonObject => ({
  type: 'object',
  properties,
  additionalProperties: false,
  ...more,
});
const text = { type: 'string' };
const typed = (cedarType: string, more: JsonObject = {}) => ({ type: 'string', 'x-cedar-type': cedarType, ...more });
const whole = { type: 'integer' };

const modelOf = (input: JsonObject) => ({
  agents: [],
  tools: [{ name: 't', kind: 'http', idempotent: true, input }],
  namespaces: [],
  destinations: [],
});

/** The line of the schema that says what `context.input` is, as Cedar has accepted it. */
function typeOf(input: JsonObject): string {
  const schema = generateSchema(modelOf(input));
  const answer = cedar.schemaToJson(schema);
  if (answer.type === 'failure') throw new Error(answer.errors.map(({ message }) => message).join('; '));
  return /^action "t".*"input": (.*), "session"/m.exec(schema)?.[1] ?? '';
}

describe('the type of an argument', () => {
  it.each<[name: string, schema: Json, type: string]>([
    ['a text with a format', { type: 'string', format: 'date-time' }, '"x"?: String'],
    ['an address', typed('ipaddr', { format: 'ipv4' }), '"x"?: ipaddr'],
    ['a moment or null', { ...typed('datetime'), type: ['string', 'null'] }, '"x"?: datetime'],
    ['a number as a decimal', { type: 'number', 'x-cedar-type': 'decimal' }, '"x"?: decimal'],
    ['an enumeration of durations', typed('duration', { enum: ['1d', '2d'] }), '"x"?: duration'],
    ['a list of moments', { type: 'array', items: typed('datetime') }, '"x"?: Set<datetime>'],
    ['a text, and what more is known of it', { allOf: [text, typed('ipaddr')] }, '"x"?: ipaddr'],
    ['a type, and that it is a text', { ...typed('ipaddr'), allOf: [text] }, '"x"?: ipaddr'],
    [
      'one spelling or another of an address',
      { oneOf: [typed('ipaddr', { format: 'ipv4' }), typed('ipaddr', { format: 'ipv6' })] },
      '"x"?: ipaddr',
    ],
    ['an enumeration', { enum: ['a', 'b', null] }, '"x"?: String'],
    ['a constant', { const: 3 }, '"x"?: Long'],
    ['a number in whole steps', { type: 'number', multipleOf: 5 }, '"x"?: Long'],
    ['a list', { type: 'array', items: text }, '"x"?: Set<String>'],
    ['a tuple of one type', { type: 'array', prefixItems: [whole, whole], items: false }, '"x"?: Set<Long>'],
    ['a list of lists', { type: 'array', items: { type: 'array', items: whole } }, '"x"?: Set<Set<Long>>'],
    [
      'a record in a record',
      object({ y: object({ z: text }, { required: ['z'] }) }),
      '"x"?: { "y"?: { "z": String } }',
    ],
    ['a reference', { $ref: '#/$defs/id' }, '"x"?: Long'],
    ['one type by two ways', { anyOf: [{ type: 'string', maxLength: 3 }, { $ref: '#/$defs/name' }] }, '"x"?: String'],
    ['a type or null', { oneOf: [text, { type: 'null' }] }, '"x"?: String'],
    ['a type with more rules', { type: 'integer', anyOf: [{ minimum: 3 }, { maximum: 1 }] }, '"x"?: Long'],
    ['several schemas at once', { allOf: [{ maxLength: 3 }, text] }, '"x"?: String'],
    [
      'one record or another',
      {
        oneOf: [
          object({ a: text, k: text }, { required: ['a', 'k'] }),
          object({ b: whole, k: text }, { required: ['b', 'k'] }),
        ],
      },
      '"x"?: { "a"?: String, "k": String, "b"?: Long }',
    ],
    ['a record that refers to itself', { $ref: '#/$defs/node' }, '"x"?: { "name"?: String }'],
  ])('is known for %s', (_case, schema, type) => {
    const $defs = {
      id: whole,
      name: text,
      node: object({ name: text, next: { $ref: '#/$defs/node' }, root: { $ref: '#' } }),
    };
    expect(typeOf(object({ x: schema }, { $defs }))).toBe(`{ ${type} }`);
  });

  it.each<[name: string, schema: Json, why: string]>([
    ['a fraction', { type: 'number' }, 'it may have a fraction'],
    ['several types', { type: ['string', 'integer'] }, 'it may be of several types'],
    ['a union of several types', { anyOf: [text, whole] }, 'it may be of several types'],
    ['an address or any text', { anyOf: [typed('ipaddr'), text] }, 'it may be of several types'],
    [
      'an address that is a moment',
      { allOf: [typed('ipaddr'), typed('datetime')] },
      'its schema asks for two types at once',
    ],
    [
      'an enumeration of several types',
      { enum: ['a', 1] },
      'its values are of several types, or of one that Cedar does not have',
    ],
    [
      'a mixed list',
      { type: 'array', prefixItems: [text, whole], items: false },
      'of its elements: it may be of several types',
    ],
    ['a list that may hold null', { type: 'array', items: { type: ['string', 'null'] } }, 'its elements may be null'],
    ['a free object', { type: 'object' }, 'it is an object without declared members'],
    ['what contradicts itself', { allOf: [text, whole] }, 'its schema asks for two types at once'],
    ['null alone', { type: 'null' }, 'it is always null'],
    ['a circle of references', { $ref: '#/$defs/circle' }, 'it is recursive'],
    ['a reference to nothing', { $ref: '#/$defs/nothing' }, 'its schema says nothing of it'],
  ])('is not known for %s, and the reason is told', (_case, schema, why) => {
    const input = object({ x: schema, y: text }, { $defs: { circle: { $ref: '#/$defs/circle' } } });
    expect(typeOf(input)).toBe('{ "y"?: String }');
    expect(untypedArguments(modelOf(input))).toEqual([{ tool: 't', path: ['x'], why }]);
  });

  it('leaves out the names that Cedar cannot say', () => {
    const names = ['__proto__', '__entity', '__extn', '__cedar', '', '\ud800'];
    const properties = Object.fromEntries(names.map((name) => [name, text]));
    Object.defineProperty(properties, '__proto__', { value: text, enumerable: true });
    const input = object(properties);
    expect(typeOf(input)).toBe('{  }');
    expect(
      untypedArgumentsOf(input)
        .map(({ path: [name] }) => name)
        .toSorted(),
    ).toEqual(names.toSorted());
  });

  it('leaves out what a union types one way and another way not at all', () => {
    const input = object({ x: { oneOf: [object({ m: text }), object({ m: { type: 'number' } })] } });
    expect(typeOf(input)).toBe('{ "x"?: {  } }');
    expect(typedContextInput(input, { x: { m: 0.5 } })).toEqual({ x: {} });
  });

  it('has an end where references multiply', () => {
    const levels = Array.from(
      { length: 11 },
      (_, n) => [`l${n}`, object(sixOf({ $ref: `#/$defs/l${n + 1}` }))] as const,
    );
    const $defs = { ...Object.fromEntries(levels), l11: text };
    const input = object({ x: { $ref: '#/$defs/l0' } }, { $defs });
    expect(typeOf(input).length).toBeLessThan(100_000);
    expect(untypedArgumentsOf(input).map(({ why }) => why)).toContain('the tool declares more than 2000 arguments');
  });
});

const sixOf = (member: Json) => Object.fromEntries(['a', 'b', 'c', 'd', 'e', 'f'].map((name) => [name, member]));

describe('typedContextInput', () => {
  const input = object({ n: whole, maybe: { type: ['string', 'null'] }, names: { type: 'array', items: text } });

  it('shows null as absent where null is allowed', () => {
    expect(typedContextInput(input, { n: 1, maybe: null })).toEqual({ n: 1 });
  });

  it.each<[name: string, args: JsonObject]>([
    ['an integer beyond 2^53', { n: 2 ** 60 }],
    ['2^53 + 1 as a double has it', { n: 9_007_199_254_740_992 }],
    ['a fraction', { n: 0.5 }],
    ['null where it is not allowed', { n: null }],
    ['a list with one element of another type', { names: ['a', 1] }],
    ["Cedar's escape for an entity", { maybe: { __entity: { type: 'Agent', id: 'a' } } }],
  ])('refuses %s, also where the argument may be left out: a forbid must not fail to see it', (_case, args) => {
    expect(() => typedContextInput(input, args)).toThrow(
      expect.objectContaining({ code: 'INPUT_ARGUMENTS_INVALID' }) as Error,
    );
  });

  it('refuses long lists of objects, whose comparison would cost the product of their lengths', () => {
    const nested = object({ rows: { type: 'array', items: object({ id: whole }) } });
    const rows = (count: number) => ({ rows: Array.from({ length: count }, (_, id) => ({ id })) });
    expect(typedContextInput(nested, rows(1_000))).toEqual(rows(1_000));
    expect(() => typedContextInput(nested, rows(1_001))).toThrow(/1001 elements; policies read at most 1000/);
  });

  it('refuses long lists of values of extension types, each of which is read before anybody compares it', () => {
    const moments = object({ at: { type: 'array', items: typed('datetime') } });
    const days = (count: number) => ({ at: Array.from({ length: count }, () => '2026-11-22') });
    expect(typedContextInput(moments, days(1_000))['at']).toHaveLength(1_000);
    expect(() => typedContextInput(moments, days(1_001))).toThrow(
      'a list of `datetime` has 1001 elements; policies read at most 1000',
    );
  });

  it.each<[args: JsonObject, message: string]>([
    [{ n: 'x' }, '`/n`: is no `Long` that policies can read'],
    [{ at: ['2026-11-22', '2026-11-22T23:59:60Z'] }, '`/at/1`: is no `datetime` that policies can read'],
    [{ at: '2026-11-22' }, '`/at`: is no `Set` that policies can read'],
    [{ 'a~/b': { ip: '10.0.0.0/8' } }, '`/a~0~1b/ip`: is no `ipaddr` that policies can read'],
    [{ 'a~/b': {} }, '`/a~0~1b/ip`: is required'],
  ])('says where %j is not what it has to be, and never what it is', (args, message) => {
    const at = { type: 'array', items: typed('datetime') };
    const schema = object({ n: whole, at, 'a~/b': object({ ip: typed('ipaddr') }, { required: ['ip'] }) });
    expect(() => typedContextInput(schema, args)).toThrow(expect.objectContaining({ message }) as Error);
  });
});
