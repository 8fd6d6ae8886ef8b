import { DETECTORS, type Detector, type Json, type JsonObject, type Redaction } from '#writ/contracts';
import { Fault } from '#writ/faults';
import { detect, kindOfKey } from './detect.js';
import { advance, isMatched, type PathCursor } from './paths.js';

const CHARACTERS_MAX = 2_097_152; // Eight times the largest output, for JSON in strings is scanned at every level.
/** What an array or an object counts for, so that a great many empty ones are over the limit too. */
const CONTAINER_CHARACTERS = 16;
const DEPTH_MAX = 64;
/** JSON in a string, in a string, in a string. */
const JSON_DEPTH_MAX = 3;
/** What an entry of the ledger holds; the rest is counted under one path. */
const REDACTIONS_MAX = 64;

/** Keys in which nothing was found, with the kind of secret that they say their value is. */
export type KnownKeys = Map<string, { readonly kind: Detector | undefined }>;
const KEYS_MAX = 4_096;
const KEY_LENGTH_MAX = 64;

/** Where a walk stands. */
interface Place {
  readonly cursor: PathCursor;
  readonly location: readonly string[];
  readonly depth: number;
  /** How many strings of JSON stand around this value. */
  readonly json: number;
}

/** One walk over one value. It copies what it keeps, counts what it takes out, and has a limit for everything. */
export class Walk {
  readonly #kinds: ReadonlySet<Detector>;
  /** Those that are looked for across strings. Numbers of versions in a row are an address too easily. */
  readonly #splitKinds: ReadonlySet<Detector>;
  readonly #counts = new Map<string, Redaction>();
  #characters = 0;

  /** `keys` outlives the walk: values of one tool have the same ones again and again. */
  constructor(
    kinds: ReadonlySet<Detector>,
    private readonly keys: KnownKeys,
  ) {
    this.#kinds = kinds;
    this.#splitKinds = new Set([...kinds].filter((kind) => kind !== 'ipv4' && kind !== 'ipv6'));
  }

  redactions(): Redaction[] {
    return [...this.#counts.values()];
  }

  value(value: Json, place: Place): Json {
    if (isMatched(place.cursor)) return this.#replace('path', place);
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
    const placeOf = (index: number): Place => below(place, String(index), '*');
    return this.#joined(
      elements.map((element, index) => this.value(element, placeOf(index))),
      placeOf,
    );
  }

  #object(object: JsonObject, place: Place): JsonObject {
    const members = new Map<string, Json>();
    for (const [key, value] of Object.entries(object)) {
      const known = this.keys.get(key);
      const shown = known === undefined ? this.#text(key, place) : key;
      const inside = below(place, key, segmentOf(shown));
      const named = known ?? { kind: kindOfKey(key, this.#kinds) };
      if (known === undefined && shown === key && this.keys.size < KEYS_MAX && key.length <= KEY_LENGTH_MAX)
        this.keys.set(key, named);
      const secret = isScalar(value) ? named.kind : undefined;
      const isSecret = secret !== undefined && !isMatched(inside.cursor);
      members.set(freeKey(shown, members), isSecret ? this.#replace(secret, inside) : this.value(value, inside));
    }
    const keys = [...members.keys()];
    const values = this.#joined([...members.values()], (index) => below(place, '', segmentOf(keys[index] ?? '')));
    // `fromEntries` defines own members, so that a key `__proto__` stays a key.
    return Object.fromEntries(keys.map((key, index) => [key, values[index] ?? null]));
  }

  /** Takes out what is a secret only when the strings of an array or an object are read one after the other. */
  #joined(values: readonly Json[], placeOf: (index: number) => Place): Json[] {
    const parts = values.flatMap((value, index) => (typeof value === 'string' ? [{ index, text: value }] : []));
    if (parts.length < 2 || this.#splitKinds.size === 0) return [...values];
    const joined = parts.map(({ text }) => text).join('');
    this.#count(joined.length);
    const result = [...values];
    for (const { kind, start, end } of detect(joined, this.#splitKinds)) {
      let from = 0;
      const spanned = parts.filter(({ text }) => {
        const isIn = from < end && from + text.length > start;
        from += text.length;
        return isIn;
      });
      // What stands in one string alone was taken out before.
      if (spanned.length > 1) for (const { index } of spanned) result[index] = this.#replace(kind, placeOf(index));
    }
    return result;
  }

  #string(text: string, place: Place): string {
    const json = place.json < JSON_DEPTH_MAX ? parseJson(text) : undefined;
    if (json === undefined) return this.#text(text, place);
    const written = JSON.stringify(json);
    const redacted = JSON.stringify(this.value(json, { ...place, depth: place.depth + 1, json: place.json + 1 }));
    // Scanned as text too: of a key that stands twice, the parser shows the last value only.
    return this.#text(redacted === written ? text : redacted, place);
  }

  #text(text: string, place: Place): string {
    this.#count(text.length);
    if (this.#kinds.size === 0) return text;
    let kept = '';
    let at = 0;
    for (const { kind, start, end } of detect(text, this.#kinds)) {
      kept += text.slice(at, start) + this.#replace(kind, place);
      at = end;
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

  #replace(kind: Detector | 'path', { location }: Place): string {
    const written = `/${location.join('/')}`.slice(0, 256);
    const isKnown = this.#counts.has(`${kind} ${written}`);
    const path = isKnown || this.#counts.size < REDACTIONS_MAX - KINDS_MAX ? written : '/**';
    const n = this.#counts.get(`${kind} ${path}`)?.n ?? 0;
    this.#counts.set(`${kind} ${path}`, { path, kind, n: n + 1 });
    return `[redacted:${kind}]`;
  }

  #count(characters: number): void {
    this.#characters += characters;
    if (this.#characters > CHARACTERS_MAX) throw withheld(`has more than ${CHARACTERS_MAX} characters`);
  }
}

/** Room for one `/**` of each kind, paths included. */
const KINDS_MAX = DETECTORS.length + 1;

function below(place: Place, key: string, segment: string): Place {
  return {
    cursor: advance(place.cursor, key),
    location: [...place.location, segment],
    depth: place.depth + 1,
    json: place.json,
  };
}

/** A key in the path of a redaction, which goes into the ledger: only a key that looks like a field's name, for others may be data. */
function segmentOf(key: string): string {
  return /^[A-Za-z_][A-Za-z_-]{0,31}$/.test(key) ? key : '*';
}

/** Two keys may become one by redaction; both values are kept. */
function freeKey(key: string, members: ReadonlyMap<string, Json>): string {
  let free = key;
  for (let n = members.size; members.has(free); n++) free = `${key}~${n}`;
  return free;
}

function isScalar(value: Json): boolean {
  return typeof value === 'number' || (typeof value === 'string' && value !== '' && !value.startsWith('[redacted:'));
}

/** The array, object or string that a text is as JSON; undefined for any other text. */
function parseJson(text: string): Json | undefined {
  if (!/^\s{0,64}[[{"]/.test(text)) return undefined;
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

function withheld(why: string): Fault {
  return new Fault('EXECUTOR_REDACTION_FAILED', `the answer ${why}, so it is withheld`);
}
