import { createHmac } from 'node:crypto';
import type { Json, JsonObject } from '#writ/contracts';
import { isObject } from './facts.js';

/** What is taken out of the entries that a sink gets. */
export interface SinkRedaction {
  /** Members to remove, as dotted paths such as `act.res` or `why.pol.file`; in a list, of each element. */
  readonly remove?: readonly string[] | undefined;
  /** With a key names of agents become pseudonyms; the same key gives the same ones. */
  readonly pseudonymKey?: Uint8Array | undefined;
}

const PSEUDONYM_CHARACTERS = 22;

/** The function that redacts an entry, or undefined when there is nothing to redact. It changes no value that it is given. */
export function redactorOf({
  remove = [],
  pseudonymKey,
}: SinkRedaction): ((entry: JsonObject) => JsonObject) | undefined {
  if (remove.length === 0 && pseudonymKey === undefined) return undefined;
  const paths = remove.map((path) => path.split('.'));
  return (entry) => {
    const kept = paths.reduce<Json>((value, path) => without(value, path), entry);
    const result = isObject(kept) ? kept : {};
    return pseudonymKey === undefined ? result : withPseudonyms(result, pseudonymKey);
  };
}

/** A name under a key: it says nothing about the name to whoever has not the key, and is the same each time. */
export function pseudonymOf(name: string, key: Uint8Array): string {
  return `ps:${createHmac('sha256', key).update(name).digest('base64url').slice(0, PSEUDONYM_CHARACTERS)}`;
}

function without(value: Json, [head, ...rest]: readonly string[]): Json {
  if (Array.isArray(value)) return value.map((element: Json) => without(element, [head ?? '', ...rest]));
  if (!isObject(value) || head === undefined || !Object.hasOwn(value, head)) return value;
  const { [head]: member, ...others } = value;
  return rest.length === 0 || member === undefined ? others : { ...value, [head]: without(member, rest) };
}

/** The agent as Writ names it, and as another system named it in a question. */
function withPseudonyms(entry: JsonObject, key: Uint8Array): JsonObject {
  const rename = (object: JsonObject, member: string): JsonObject => {
    const name = object[member];
    return typeof name === 'string' ? { ...object, [member]: pseudonymOf(name, key) } : object;
  };
  const { who, req } = entry;
  const subject = isObject(req) ? req['sub'] : undefined;
  return {
    ...entry,
    ...(isObject(who) && { who: rename(who, 'agent') }),
    ...(isObject(req) && isObject(subject) && { req: { ...req, sub: rename(subject, 'id') } }),
  };
}
