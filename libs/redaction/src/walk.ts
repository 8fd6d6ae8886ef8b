import {
  DETECTORS,
  type Detector,
  type Json,
  type JsonObject,
  type RedactAction,
  type Redaction,
} from '#writ/contracts';
import { Fault } from '#writ/faults';
import { isScalar, type KeyedHash, strictest, textOf } from './action.js';
import { detect, type Detection, kindOfKey } from './detect.js';
import { parseJson } from './json-text.js';
import { isMatched, type PathCursor, type PathTokens } from './paths.js';
import { below, inJson, type Place, segmentOf, writtenPath } from './place.js';
import type { Sought } from './sought.js';

const CHARACTERS_MAX = 2_097_152; // Eight times the largest output, for JSON in strings is scanned at every level.
/** What an array or an object counts for, so that a great many empty ones are over the limit too. */
const CONTAINER_CHARACTERS = 16;
const DEPTH_MAX = 64;
/** JSON in a string, in a string, in a string. */
const JSON_DEPTH_MAX = 3;
/** What an entry of the ledger holds; the rest is counted under one path. */
const REDACTIONS_MAX = 64;

/** Keys in which nothing was found, with the kind of secret that they say their value is. */
type KnownKeys = Map<string, { readonly kind: Detector | undefined; readonly segment: string }>;
const KEYS_MAX = 1_024;
const KEY_LENGTH_MAX = 64;

/** What to take out, and what to leave in its place. `keys` outlives a walk: values of one tool have the same ones again and again. */
export interface Plan {
  readonly paths: ReadonlyMap<PathTokens, RedactAction>;
  readonly kinds: ReadonlyMap<Detector, RedactAction>;
  readonly hash: KeyedHash | undefined;
  readonly sought: Sought;
  /** What is looked for across strings. Numbers of versions in a row are an address too easily. */
  readonly split: Sought;
  readonly keys: KnownKeys;
}

/** The token of a value of that kind at that place. */
export type Seal = (kind: string, value: Json, place: Place) => string;

/** In the place of what is left out. */
const DROPPED = Symbol('dropped');
type Shown = Json | typeof DROPPED;

/** One walk over one value. It copies what it keeps, counts what it takes out, and has a limit for everything. */
export class Walk {
  readonly #counts = new Map<string, Redaction>();
  #characters = 0;

  constructor(
    private readonly plan: Plan,
    private readonly seal: Seal | undefined,
  ) {}

  redactions(): Redaction[] {
    return [...this.#counts.values()];
  }

  /** What is left of a value; null when nothing is. */
  whole(value: Json, place: Place): Json {
    const shown = this.#value(value, place);
    return shown === DROPPED ? null : shown;
  }

  #value(value: Json, place: Place): Shown {
    if (isMatched(place.cursor)) return this.#replace('path', this.#actionAt(place.cursor), { place, value });
    if (typeof value === 'string') return this.#string(value, place);
    if (typeof value === 'number') return this.#number(value, place);
    if (typeof value !== 'object' || value === null) return value;
    if (place.depth >= DEPTH_MAX) throw withheld(`nests deeper than ${DEPTH_MAX} levels`);
    this.#count(CONTAINER_CHARACTERS);
    return Array.isArray(value)
      ? this.#array(value as readonly Json[], place)
      : this.#object(value as JsonObject, place);
  }

  #array(elements: readonly Json[], place: Place): Json[] {
    const shown: Shown[] = [];
    for (let index = 0; index < elements.length; index++)
      shown.push(this.#value(elements[index] ?? null, below(place, String(index), '*')));
    return this.#joined(shown, (index) => below(place, String(index), '*')).filter((element) => element !== DROPPED);
  }

  #object(object: JsonObject, place: Place): JsonObject {
    const keys: string[] = [];
    const shown: Shown[] = [];
    // Without a key that redaction changed there are no two the same.
    let taken: Set<string> | undefined;
    for (const key of Object.keys(object)) {
      const value = object[key] ?? null;
      const known = this.plan.keys.get(key);
      const text = known === undefined ? this.#text(key, place) : key;
      const named = known ?? { kind: kindOfKey(key, this.plan.sought.kinds), segment: segmentOf(text) };
      const inside = below(place, key, named.segment);
      if (known === undefined && text === key && this.plan.keys.size < KEYS_MAX && key.length <= KEY_LENGTH_MAX)
        this.plan.keys.set(key, named);
      const secret = named.kind !== undefined && isScalar(value) ? named.kind : undefined;
      if (text !== key) taken ??= new Set(keys);
      const free = taken === undefined ? key : freeKey(text, taken);
      taken?.add(free);
      keys.push(free);
      shown.push(secret === undefined ? this.#value(value, inside) : this.#secret(secret, value, inside));
    }
    const values = this.#joined(shown, (index) => below(place, '', segmentOf(keys[index] ?? '')));
    const result: Record<string, Json> = {};
    for (const [index, key] of keys.entries()) {
      const value = values[index] ?? null;
      if (value !== DROPPED) define(result, key, value);
    }
    return result;
  }

  /** What its key says is a secret, and a path may name too. */
  #secret(kind: Detector, value: Json, place: Place): Shown {
    const action = this.#actionOn({ kind });
    if (!isMatched(place.cursor)) return this.#replace(kind, action, { place, value });
    return this.#replace('path', strictest([action, this.#actionAt(place.cursor)]), { place, value });
  }

  /** Takes out what is a secret only when the strings of an array or an object are read one after the other. */
  #joined(values: readonly Shown[], placeOf: (index: number) => Place): readonly Shown[] {
    let strings = 0;
    let joined = '';
    for (const value of values) {
      if (typeof value !== 'string') continue;
      strings += 1;
      joined += value;
    }
    if (strings < 2 || this.plan.split.kinds.size === 0) return values;
    this.#count(joined.length);
    const detections = detect(joined, this.plan.split);
    if (detections.length === 0) return values;
    const parts = values.flatMap((value, index) => (typeof value === 'string' ? [{ index, text: value }] : []));
    const result = [...values];
    for (const found of detections) {
      let from = 0;
      const spanned = parts.filter(({ text }) => {
        const isIn = from < found.end && from + text.length > found.start;
        from += text.length;
        return isIn;
      });
      // What stands in one string alone was taken out before.
      if (spanned.length < 2) continue;
      const value = joined.slice(found.start, found.end);
      const action = this.#actionOn(found);
      for (const { index } of spanned)
        result[index] = this.#replace(found.kind, action, { place: placeOf(index), value });
    }
    return result;
  }

  #string(text: string, place: Place): string {
    const json = place.json < JSON_DEPTH_MAX ? parseJson(text) : undefined;
    if (json === undefined) return this.#text(text, place);
    const written = JSON.stringify(json);
    const redacted = JSON.stringify(this.whole(json, inJson(place)));
    // Scanned as text too: of a key that stands twice, the parser shows the last value only.
    return this.#text(redacted === written ? text : redacted, place);
  }

  #text(text: string, place: Place): string {
    this.#count(text.length);
    if (this.plan.sought.kinds.size === 0) return text;
    let kept = '';
    let at = 0;
    for (const found of detect(text, this.plan.sought)) {
      const value = text.slice(found.start, found.end);
      const shown = this.#replace(found.kind, this.#actionOn(found), { place, value });
      kept += text.slice(at, found.start) + (shown === DROPPED ? '' : shown);
      at = found.end;
    }
    return at === 0 ? text : kept + text.slice(at);
  }

  /** A number long enough to be a card, and no fraction. */
  #number(number: number, place: Place): Json {
    if (!Number.isSafeInteger(number) || number < 1e12) return number;
    const text = String(number);
    const shown = this.#text(text, place);
    return shown === text ? number : shown;
  }

  #actionAt(cursor: PathCursor): RedactAction {
    const ended = cursor.filter(([path, at]) => at === path.length);
    return strictest(ended.map(([path]) => this.plan.paths.get(path)));
  }

  #actionOn({ kind, also = [] }: Pick<Detection, 'kind' | 'also'>): RedactAction {
    return strictest([kind, ...also].map((each) => this.plan.kinds.get(each)));
  }

  #replace(
    kind: Detector | 'path',
    action: RedactAction,
    { place, value }: { readonly place: Place; readonly value: Json },
  ): string | typeof DROPPED {
    const written = writtenPath(place);
    const isKnown = this.#counts.has(`${kind} ${written}`);
    const path = isKnown || this.#counts.size < REDACTIONS_MAX - KINDS_MAX ? written : '/**';
    const n = this.#counts.get(`${kind} ${path}`)?.n ?? 0;
    this.#counts.set(`${kind} ${path}`, { path, kind, n: n + 1 });
    switch (action) {
      case 'drop':
        return DROPPED;
      case 'mask':
        return masked(kind);
      case 'hash':
        return this.plan.hash === undefined ? masked(kind) : `[hashed:${this.plan.hash(kind, textOf(value))}:${kind}]`;
      case 'tokenise': {
        const token = this.seal?.(kind, value, place) ?? masked(kind);
        // It is longer than what it stands for.
        this.#count(token.length);
        return token;
      }
    }
  }

  #count(characters: number): void {
    this.#characters += characters;
    if (this.#characters > CHARACTERS_MAX) throw withheld(`has more than ${CHARACTERS_MAX} characters`);
  }
}

const masked = (kind: string): string => `[redacted:${kind}]`;

/** Room for one `/**` of each kind, paths included. */
const KINDS_MAX = DETECTORS.length + 1;

/** Two keys may become one by redaction; both values are kept. */
function freeKey(key: string, members: ReadonlySet<string>): string {
  let free = key;
  for (let n = members.size; members.has(free); n++) free = `${key}~${n}`;
  return free;
}

/** As an own member, so that a key `__proto__` stays a key. */
function define(object: Record<string, Json>, key: string, value: Json): void {
  if (key !== '__proto__') object[key] = value;
  else Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
}

function withheld(why: string): Fault {
  return new Fault('EXECUTOR_REDACTION_FAILED', `the answer ${why}, so it is withheld`);
}
