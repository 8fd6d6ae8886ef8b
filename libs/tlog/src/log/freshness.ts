import type { ProblemList } from '../report.js';
import type { SignedHead } from './heads.js';

/** When a log is looked at, and how long no witness may have cosigned anything then. In seconds. */
export interface Freshness {
  /** Since 1970. */
  readonly asOf: number;
  readonly maxSilence?: number | undefined;
}

/** Time of the newest cosignature of all heads, in seconds since 1970; null when there is none. Silence that is too long is a problem. */
export function newestCosignature(
  heads: readonly SignedHead[],
  freshness: Freshness | undefined,
  problems: ProblemList,
): number | null {
  const times = heads.flatMap(({ cosigners }) => cosigners.map(({ time }) => time));
  const newest = times.length === 0 ? null : times.reduce((a, b) => Math.max(a, b));
  if (freshness?.maxSilence === undefined) return newest;
  const { asOf, maxSilence } = freshness;
  if (newest === null)
    problems.add('stale', 'no witness has cosigned a head, so nobody knows how old the newest one is');
  else if (asOf - newest > maxSilence)
    problems.add('stale', `the newest cosignature is ${asOf - newest} s old; at most ${maxSilence} s were allowed`);
  return newest;
}
