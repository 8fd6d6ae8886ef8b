import type { DataSubject, Json, JsonObject } from '#writ/contracts';
import { Fault } from '#writ/faults';

/** Where the configuration says that a subject is named: of which type it is, and a JSON Pointer. */
export interface SubjectPlace {
  readonly type: string;
  readonly from: string;
}

const ID_CHARACTERS_MAX = 1_024;

/**
 * Whom arguments are about; undefined when nothing says where they name it. Throws INPUT_ARGUMENTS_INVALID when they name nobody there:
 * values that no erasure would find are not taken in.
 */
export function subjectIn(place: SubjectPlace | undefined, args: Json): DataSubject | undefined {
  if (place === undefined) return undefined;
  const named = valueAt(args, place.from);
  const id = typeof named === 'number' ? String(named) : named;
  if (typeof id !== 'string' || id === '' || id.length > ID_CHARACTERS_MAX) {
    throw new Fault('INPUT_ARGUMENTS_INVALID', `\`${place.from}\` must name a ${place.type}, by a text or a number`);
  }
  return { type: place.type, id };
}

/** The same of records that are written together: one commitment covers them all, so they are about one subject. */
export function subjectOfAll(place: SubjectPlace | undefined, records: Json | undefined): DataSubject | undefined {
  if (place === undefined || !Array.isArray(records)) return undefined;
  const [first, ...others] = records.map((record: Json) => subjectIn(place, record));
  if (others.some((other) => other?.id !== first?.id)) {
    throw new Fault('INPUT_INVALID', `the records are about more than one ${place.type}: write them apart`);
  }
  return first;
}

/** The tokens of the pointer name own members alone. */
function valueAt(root: Json, pointer: string): Json | undefined {
  let value: Json | undefined = root;
  for (const token of pointer.split('/').slice(1)) {
    const name = token.replaceAll('~1', '/').replaceAll('~0', '~');
    value = isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
  }
  return value;
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
