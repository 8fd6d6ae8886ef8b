import { Fault } from '#writ/faults';

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;

/** Seconds since 1970 of a time as RFC 3339 writes it. Throws CONFIG_INVALID for anything else. */
export function readTime(text: string): number {
  const seconds = TIME.test(text) ? Math.floor(Date.parse(text) / 1_000) : NaN;
  if (Number.isNaN(seconds))
    throw new Fault('CONFIG_INVALID', `\`${text}\` is no time: write it like 2026-11-22T05:30:00Z`);
  return seconds;
}

/** Seconds of a duration such as `90s`, `15m`, `24h` or `7d`. Throws CONFIG_INVALID for anything else. */
export function readDuration(text: string): number {
  const [, count, unit = ''] = /^([1-9][0-9]{0,8})([smhd])$/.exec(text) ?? [];
  if (count === undefined)
    throw new Fault('CONFIG_INVALID', `\`${text}\` is no duration: write it like 90s, 15m, 24h or 7d`);
  return Number(count) * (UNITS[unit] ?? 1);
}

/** How old something is, for people: in the largest unit of which there are two. */
export function formatAge(seconds: number): string {
  if (seconds < 0) return `${-seconds} s in the future`;
  const [unit, size] = Object.entries(UNITS).findLast(([, each]) => seconds >= 2 * each) ?? ['s', 1];
  return `${Math.floor(seconds / size)} ${unit} old`;
}
