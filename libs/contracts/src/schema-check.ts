import type { z } from 'zod';

/** Whether a value follows a schema. */
export type SchemaCheck = (value: unknown) => boolean;

/**
 * Compiles a schema into a check that says yes to what the schema takes, at a fraction of its cost, and does not say why not: ask the
 * schema for that. It is for plain data as `JSON.parse` makes it. Strict objects, arrays, strings, safe integers, booleans, literals,
 * enums, optional and nullable members and unions by a literal member are known; for anything else it throws a TypeError.
 */
export function compileSchema(schema: z.core.$ZodType): SchemaCheck {
  const def = defOf(schema);
  if (!TYPES_WITH_CHECKS.has(def.type) && checksOf(def.checks).length > 0) throw unknown(`check of a ${def.type}`);
  switch (def.type) {
    case 'object':
      return objectCheck(def);
    case 'union':
      return unionCheck(def);
    case 'array':
      return arrayCheck(compileSchema(def.element), lengthRange(def.checks));
    case 'string':
      return stringCheck(lengthRange(def.checks), patternsOf(def));
    case 'number':
      return integerCheck(def);
    case 'boolean':
      return (value) => typeof value === 'boolean';
    case 'literal':
      return oneOf(def.values);
    case 'enum':
      return oneOf(Object.values(def.entries));
    case 'nullable': {
      const inner = compileSchema(def.innerType);
      return (value) => value === null || inner(value);
    }
    default:
      throw unknown(`type ${def.type}`);
  }
}

/** What is made of these looks at their checks itself. */
const TYPES_WITH_CHECKS: ReadonlySet<string> = new Set(['object', 'array', 'string', 'number']);

/** Members are looked up as they come: each must be known, and at the end all that are needed were there. */
function objectCheck(def: z.core.$ZodObjectDef): SchemaCheck {
  if (def.checks !== undefined || def.catchall === undefined || defOf(def.catchall).type !== 'never')
    throw unknown('object that is not strict');
  const members = new Map<string, { readonly check: SchemaCheck; readonly isNeeded: boolean }>();
  for (const [name, member] of Object.entries(def.shape)) {
    const inner = defOf(member);
    const isNeeded = inner.type !== 'optional';
    if (!isNeeded && checksOf(inner.checks).length > 0) throw unknown('check of an optional');
    members.set(name, { check: compileSchema(isNeeded ? member : inner.innerType), isNeeded });
  }
  const needed = [...members.values()].filter(({ isNeeded }) => isNeeded).length;
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
    let missing = needed;
    for (const name in value) {
      const member = members.get(name);
      if (member === undefined || !member.check((value as Record<string, unknown>)[name])) return false;
      if (member.isNeeded) missing--;
    }
    return missing === 0;
  };
}

function unionCheck(def: z.core.$ZodUnionDef & { readonly discriminator?: string }): SchemaCheck {
  const { discriminator } = def;
  if (discriminator === undefined) throw unknown('union without a discriminator');
  const options = new Map<unknown, SchemaCheck>();
  for (const option of def.options) {
    const object = defOf(option);
    const naming = object.type === 'object' ? object.shape[discriminator] : undefined;
    const literal = naming === undefined ? undefined : defOf(naming);
    if (literal?.type !== 'literal') throw unknown('union by what is no literal');
    for (const named of literal.values) options.set(named, compileSchema(option));
  }
  return (value) => {
    const named = typeof value === 'object' && value !== null && (value as Record<string, unknown>)[discriminator];
    return options.get(named)?.(value) === true;
  };
}

interface Range {
  readonly min: number;
  readonly max: number;
}

function arrayCheck(element: SchemaCheck, { min, max }: Range): SchemaCheck {
  return (value) => Array.isArray(value) && value.length >= min && value.length <= max && value.every(element);
}

function stringCheck({ min, max }: Range, patterns: readonly RegExp[]): SchemaCheck {
  const [pattern, ...others] = patterns;
  if (others.length > 0 || pattern?.global === true || pattern?.sticky === true) throw unknown('patterns of a string');
  return (value) =>
    typeof value === 'string' &&
    value.length >= min &&
    value.length <= max &&
    (pattern === undefined || pattern.test(value));
}

function integerCheck(def: z.core.$ZodNumberDef & { readonly format?: string }): SchemaCheck {
  if (def.format !== 'safeint') throw unknown('number that is no safe integer');
  let min = Number.MIN_SAFE_INTEGER;
  let max = Number.MAX_SAFE_INTEGER;
  for (const check of checksOf(def.checks)) {
    if (check.check === 'greater_than' && check.inclusive) min = Math.max(min, Number(check.value));
    else if (check.check === 'less_than' && check.inclusive) max = Math.min(max, Number(check.value));
    else throw unknown(`check ${check.check} of a number`);
  }
  return (value) => Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max;
}

function oneOf(values: readonly unknown[]): SchemaCheck {
  const [first] = values;
  if (values.length === 1) return (value) => value === first;
  return (value) => values.includes(value);
}

function lengthRange(checks: Checks): Range {
  let min = 0;
  let max = Number.POSITIVE_INFINITY;
  for (const check of checksOf(checks)) {
    if (check.check === 'min_length') min = Math.max(min, check.minimum);
    else if (check.check === 'max_length') max = Math.min(max, check.maximum);
    else if (check.check === 'length_equals') [min, max] = [Math.max(min, check.length), Math.min(max, check.length)];
    else if (check.check !== 'string_format') throw unknown(`check ${check.check}`);
  }
  return { min, max };
}

/** The patterns of `regex`, and that of a time. Other formats of zod check more than their pattern says. */
function patternsOf(def: z.core.$ZodStringDef & { readonly format?: string; readonly pattern?: RegExp }): RegExp[] {
  if (def.format !== undefined && def.format !== 'datetime') throw unknown(`format ${def.format}`);
  const patterns = def.pattern === undefined ? [] : [def.pattern];
  for (const check of checksOf(def.checks)) {
    if (check.check !== 'string_format') continue;
    if (check.format !== 'regex' || check.pattern === undefined) throw unknown(`format ${check.format}`);
    patterns.push(check.pattern);
  }
  return patterns;
}

type Checks = readonly z.core.$ZodCheck<never>[] | undefined;

// zod keeps what a schema or a check is made of in `_zod`, for libraries that read schemas.
/* oxlint-disable no-underscore-dangle */
function defOf(schema: z.core.$ZodType): z.core.$ZodTypes['_zod']['def'] {
  return (schema as z.core.$ZodTypes)._zod.def;
}

function checksOf(checks: Checks = []): z.core.$ZodChecks['_zod']['def'][] {
  return checks.map((check) => (check as z.core.$ZodChecks)._zod.def);
}
/* oxlint-enable no-underscore-dangle */

function unknown(what: string): TypeError {
  return new TypeError(`a schema with a ${what} cannot be compiled`);
}
