import type { Json, JsonObject } from '#writ/contracts';
import { z } from 'zod';

/** A policy that decided, and where its text stands. */
export interface PolicyPlace {
  readonly id?: string;
  readonly effect?: string;
  readonly file?: string;
  readonly line?: number;
}

/** What the mapping reads of an entry. What a redaction takes out is missing, at any depth: nothing but the type and the id has to be there. */
export interface Facts {
  readonly type: string;
  readonly id: string;
  /** ISO 8601, in UTC. */
  readonly ts?: string;
  readonly ten?: string;
  readonly prod?: { readonly id?: string };
  readonly who?: { readonly agent?: string };
  readonly act?: { readonly kind?: string; readonly res?: string };
  readonly corr?: { readonly call?: string; readonly sess?: string; readonly trace?: string };
  readonly eff?: { readonly d?: string };
  readonly why?: {
    readonly code?: string;
    readonly text?: string;
    readonly bundle?: string;
    readonly pol?: readonly PolicyPlace[];
  };
  readonly red?: readonly Json[];
  readonly io?: { readonly in?: string };
  readonly cost?: { readonly ms?: number };
  readonly risk?: { readonly score?: number };
  readonly n?: number;
}

type Value = Json | undefined;

const ID = /^[0-9A-Za-z-]{1,64}$/;
const Time = z.iso.datetime();

/**
 * Whether everything that the mapping reads is what it should be. Closed schemas are the sealer's business: one member more must not stop the
 * feed. It is asked of every entry, and a schema of zod would take as long as reading the entry and writing its record.
 */
export function hasFacts(entry: JsonObject): entry is JsonObject & Facts {
  const { type, id, ts, ten, prod, who, act, corr, eff, why, red, io, cost, risk, n } = entry;
  return (
    typeof type === 'string' &&
    typeof id === 'string' &&
    ID.test(id) &&
    (ts === undefined || Time.safeParse(ts).success) &&
    isTextIfAny(ten) &&
    isObjectIfAny(prod, (it) => isTextIfAny(it['id'])) &&
    isObjectIfAny(who, (it) => isTextIfAny(it['agent'])) &&
    isObjectIfAny(act, (it) => isTextIfAny(it['kind']) && isTextIfAny(it['res'])) &&
    isObjectIfAny(corr, (it) => isTextIfAny(it['call']) && isTextIfAny(it['sess']) && isTextIfAny(it['trace'])) &&
    isObjectIfAny(eff, (it) => isTextIfAny(it['d'])) &&
    isObjectIfAny(why, isReason) &&
    (red === undefined || Array.isArray(red)) &&
    isObjectIfAny(io, (it) => isTextIfAny(it['in'])) &&
    isObjectIfAny(cost, (it) => isNumberIfAny(it['ms'])) &&
    isObjectIfAny(risk, (it) => isNumberIfAny(it['score'])) &&
    isNumberIfAny(n)
  );
}

function isReason({ code, text, bundle, pol }: JsonObject): boolean {
  return (
    isTextIfAny(code) &&
    isTextIfAny(text) &&
    isTextIfAny(bundle) &&
    (pol === undefined || (Array.isArray(pol) && pol.every((place: Json) => isObject(place) && isPlace(place))))
  );
}

function isPlace({ id, effect, file, line }: JsonObject): boolean {
  return isTextIfAny(id) && isTextIfAny(effect) && isTextIfAny(file) && isNumberIfAny(line);
}

/** Whether a JSON value is an object. */
export function isObject(value: Value): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isObjectIfAny(value: Value, isFit: (object: JsonObject) => boolean): boolean {
  return value === undefined || (isObject(value) && isFit(value));
}

function isTextIfAny(value: Value): boolean {
  return value === undefined || typeof value === 'string';
}

/** A number that is too large for a double is read as infinite, and no JSON. */
function isNumberIfAny(value: Value): boolean {
  return value === undefined || (typeof value === 'number' && Number.isFinite(value));
}
