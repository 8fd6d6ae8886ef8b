import type { Json, JsonObject } from '#writ/contracts';
import { isObject, type Resolve, tidySchema } from './tidy-schema.js';

const DEFINITIONS_MAX = 256;

/**
 * A schema of a document as one that stands alone: what it refers to is under its own `$defs`. A reference that leads out of the
 * document, or nowhere, makes it the sentence that says so.
 */
export function localSchema(schema: Json, resolve: Resolve): JsonObject | string {
  const names = new Map<string, string>();
  const waiting: string[] = [];
  let problem: string | undefined;
  const nameFor = (reference: string): string => {
    const known = names.get(reference);
    if (known !== undefined) return known;
    if (resolve(reference) === undefined)
      problem = `the reference ${JSON.stringify(reference.slice(0, 200))} is not in the document: only local ones are followed`;
    if (names.size >= DEFINITIONS_MAX) problem = `it refers to more than ${DEFINITIONS_MAX} schemas`;
    const word = (reference.split('/').at(-1) ?? '').replaceAll(/[^A-Za-z0-9_-]+/g, '-');
    const name = [...names.values()].includes(word) || word === '' ? `${word}-${names.size}` : word;
    names.set(reference, name);
    waiting.push(reference);
    return name;
  };
  const localize = (value: Json): Json => {
    if (Array.isArray(value)) return (value as readonly Json[]).map(localize);
    if (!isObject(value)) return value;
    const reference = value['$ref'];
    if (typeof reference === 'string') return { $ref: `#/$defs/${nameFor(reference)}` };
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, localize(member)]));
  };
  const own = localize(tidySchema(schema, resolve));
  const defs: Record<string, Json> = {};
  for (let reference = waiting.shift(); reference !== undefined; reference = waiting.shift()) {
    if (problem !== undefined) return problem;
    defs[names.get(reference) ?? ''] = localize(tidySchema(resolve(reference) ?? {}, resolve));
  }
  if (problem !== undefined) return problem;
  if (!isObject(own)) return 'a schema is none that says what it takes';
  return Object.keys(defs).length === 0 ? own : { ...own, $defs: defs };
}
