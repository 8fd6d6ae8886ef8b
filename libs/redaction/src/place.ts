import { advance, type PathCursor } from './paths.js';

/** Where a walk stands. */
export interface Place {
  readonly cursor: PathCursor;
  /** One level up; undefined for the whole value. */
  readonly above: Place | undefined;
  readonly segment: string;
  readonly depth: number;
  /** How many strings of JSON stand around this value. */
  readonly json: number;
}

/** Before the first level of a value. */
export function placeOf(cursor: PathCursor): Place {
  return { cursor, above: undefined, segment: '', depth: 0, json: 0 };
}

/** One level further down, at a member or an element, which is called `segment` in paths. */
export function below(above: Place, key: string, segment: string): Place {
  return { cursor: advance(above.cursor, key), above, segment, depth: above.depth + 1, json: above.json };
}

/** The place in the string of JSON that stands there. */
export function inJson(place: Place): Place {
  return { ...place, depth: place.depth + 1, json: place.json + 1 };
}

/** The path of a place, at most 256 characters of it. */
export function writtenPath(place: Place): string {
  const segments: string[] = [];
  for (let at = place; at.above !== undefined; at = at.above) segments.push(at.segment);
  return `/${segments.reverse().join('/')}`.slice(0, 256);
}

/** A key in the path of a redaction, which goes into the ledger: only a key that looks like a field's name, for others may be data. */
export function segmentOf(key: string): string {
  return /^[A-Za-z_][A-Za-z_-]{0,31}$/.test(key) ? key : '*';
}
