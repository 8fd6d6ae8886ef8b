import { checkedInt64, checkedLong, EvaluationError, ExtensionValue, textToRead, type Value } from './values.js';

const NOT_A_DATETIME = new EvaluationError(
  '`datetime` of text that is not a date, or a date and a time with its offset',
);
const NOT_A_DURATION = new EvaluationError('`duration` of text that is not a duration');
const EXPECTED_DATETIME = new EvaluationError('type error: expected datetime');
const EXPECTED_DURATION = new EvaluationError('type error: expected duration');

const DATETIME_CHARACTERS_MAX = 64;
/** A full one has 102, zeros in front aside. */
const DURATION_CHARACTERS_MAX = 256;

const DATETIME =
  /^(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d):(\d\d)(?:\.(\d{3}))?(?:Z|(?<sign>[+-])(?<hours>\d\d)(?<minutes>\d\d)))?$/;
// A quantity has at most 19 digits in 64 bits, zeros in front aside.
const DURATION =
  /^(?=-?\d)(-?)(?:0*(\d{1,19})d)?(?:0*(\d{1,19})h)?(?:0*(\d{1,19})m(?!s))?(?:0*(\d{1,19})s)?(?:0*(\d{1,19})ms)?$/;

const MS_OF = { day: 86_400_000n, hour: 3_600_000n, minute: 60_000n, second: 1_000n, millisecond: 1n } as const;
type Unit = keyof typeof MS_OF;
const UNITS: readonly bigint[] = Object.values(MS_OF);

/** Cedar's `datetime`: `2024-10-15`, or with `T11:35:00Z`, `T11:35:00.000+0100`. Milliseconds since 1970, 64 bits. */
export function parseDatetime(text: string): ExtensionValue {
  const match = DATETIME.exec(textToRead(text, DATETIME_CHARACTERS_MAX));
  if (match === null) throw NOT_A_DATETIME;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, ms = 0] = match
    .slice(1, 8)
    .map((digits: string | undefined) => Number(digits ?? 0));
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const isDate = date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  const { sign, hours = '0', minutes = '0' } = match.groups ?? {};
  if (!isDate || !isTimeOfDay(hour, minute, second) || !isTimeOfDay(Number(hours), Number(minutes), 0)) {
    throw NOT_A_DATETIME;
  }
  const offsetMinutes = (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -1 : 1);
  const timeMs = ((hour * 60 + minute - offsetMinutes) * 60 + second) * 1000 + ms;
  return new ExtensionValue('datetime', BigInt(date.getTime() + timeMs));
}

function isTimeOfDay(hour: number, minute: number, second: number): boolean {
  return hour < 24 && minute < 60 && second < 60;
}

/**
 * Cedar's `duration`: `1d2h3m4s5ms`, each part once and in this order, or with a sign before all of it. 64 bits of ms. Stricter
 * than Cedar: an error beyond 256 characters, which only zeros in front can fill.
 */
export function parseDuration(text: string): ExtensionValue {
  const match = DURATION.exec(textToRead(text, DURATION_CHARACTERS_MAX));
  if (match === null) throw NOT_A_DURATION;
  const ms = match
    .slice(2)
    .map((digits: string | undefined, i) => BigInt(digits ?? 0) * (UNITS[i] ?? 0n))
    .reduce((sum, part) => sum + part, 0n);
  return new ExtensionValue('duration', checkedInt64(match[1] === '-' ? -ms : ms));
}

export function offset(datetime: Value, duration: Value): ExtensionValue {
  return new ExtensionValue('datetime', checkedInt64(asDatetime(datetime) + asDuration(duration)));
}

export function durationSince(later: Value, earlier: Value): ExtensionValue {
  return new ExtensionValue('duration', checkedInt64(asDatetime(later) - asDatetime(earlier)));
}

/** Midnight UTC of the day. */
export function toDate(datetime: Value): ExtensionValue {
  const ms = asDatetime(datetime);
  return new ExtensionValue('datetime', checkedInt64(ms - sinceMidnight(ms)));
}

/** What has passed since midnight UTC. */
export function toTime(datetime: Value): ExtensionValue {
  return new ExtensionValue('duration', sinceMidnight(asDatetime(datetime)));
}

/** Whole units, towards zero. Stricter than Cedar: an error beyond 2^53. */
export function durationIn(unit: Unit, duration: Value): number {
  return checkedLong(Number(asDuration(duration) / MS_OF[unit]));
}

function sinceMidnight(ms: bigint): bigint {
  return ((ms % MS_OF.day) + MS_OF.day) % MS_OF.day;
}

function asDatetime(value: Value): bigint {
  if (value instanceof ExtensionValue && value.type === 'datetime') return value.number;
  throw EXPECTED_DATETIME;
}

function asDuration(value: Value): bigint {
  if (value instanceof ExtensionValue && value.type === 'duration') return value.number;
  throw EXPECTED_DURATION;
}
