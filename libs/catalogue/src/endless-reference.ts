import type { Json, JsonObject } from '#writ/contracts';

const SAME_VALUE = ['anyOf', 'oneOf', 'allOf'];

/**
 * A reference that leads back to itself without a step into the value, or undefined. Whoever validates by such a schema never ends;
 * a schema of a tree, which goes one level deeper each time, is none.
 */
export function endlessReference(schema: JsonObject): string | undefined {
  const done = new Set<string>();
  const visit = (value: Json | undefined, path: readonly string[]): string | undefined => {
    for (const reference of sameValueReferences(value)) {
      if (path.includes(reference)) return reference;
      if (done.has(reference)) continue;
      const found = visit(targetOf(schema, reference), [...path, reference]);
      if (found !== undefined) return found;
      done.add(reference);
    }
    return undefined;
  };
  const places = [...membersOf(schema['$defs']), ...membersOf(schema['definitions']), schema];
  return places.map((place) => visit(place, [])).find((found) => found !== undefined);
}

/** References that the schema applies to the very value that it is applied to. */
function sameValueReferences(schema: Json | undefined): string[] {
  if (!isObject(schema)) return [];
  const own = schema['$ref'];
  const branches = SAME_VALUE.flatMap((keyword) => {
    const list = schema[keyword];
    return Array.isArray(list) ? (list as readonly Json[]).flatMap(sameValueReferences) : [];
  });
  return typeof own === 'string' ? [own, ...branches] : branches;
}

function targetOf(schema: JsonObject, reference: string): Json | undefined {
  const [, where, name = ''] = /^#\/(\$defs|definitions)\/([^/]+)$/.exec(reference) ?? [];
  if (where === undefined) return reference === '#' ? schema : undefined;
  const named = schema[where];
  return isObject(named) ? named[name.replaceAll('~1', '/').replaceAll('~0', '~')] : undefined;
}

function membersOf(value: Json | undefined): readonly Json[] {
  return isObject(value) ? Object.values(value) : [];
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
