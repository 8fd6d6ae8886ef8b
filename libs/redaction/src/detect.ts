import type { Detector } from '#writ/contracts';
import { fold } from './fold.js';
import { foldKey } from './paths.js';
import { type Rule, RULES, SECRET_KEYS } from './rules.js';
import type { Range } from './validators.js';

export interface Detection {
  readonly kind: Detector;
  readonly start: number;
  readonly end: number;
}

/** Finds secrets and personal data of the given kinds in a text, in order and without overlap. */
export function detect(original: string, kinds: ReadonlySet<Detector>): Detection[] {
  if (original.length < 4) return [];
  const folded = fold(original);
  const found: Detection[] = [];
  for (const rule of RULES) {
    if (!kinds.has(rule.kind) || !rule.gate.test(folded.text)) continue;
    for (const [start, end] of rangesOf(rule, folded.text)) {
      found.push({ kind: rule.kind, start: folded.start(start), end: folded.end(end) });
    }
  }
  return merge(found);
}

/** The kind of secret that a member's key says its value is. */
export function kindOfKey(key: string, kinds: ReadonlySet<Detector>): Detector | undefined {
  const word = foldKey(fold(key).text).replaceAll(/[\s_.-]/g, '');
  return SECRET_KEYS.find(([kind, pattern]) => kinds.has(kind) && pattern.test(word))?.[0];
}

function rangesOf({ pattern, pick }: Rule, text: string): Range[] {
  const ranges: Range[] = [];
  let from = 0;
  for (;;) {
    pattern.lastIndex = from;
    const match = pattern.exec(text);
    if (match === null) return ranges;
    const range: Range | undefined = pick === undefined ? [match.index, pattern.lastIndex] : pick(match, text);
    if (range !== undefined) ranges.push(range);
    // After a near miss the search goes on one character later: what it covered may hold the real one.
    from = Math.max(from + 1, range?.[1] ?? match.index + 1);
  }
}

/** Overlapping finds become one, of the kind whose rule stands first. */
function merge(found: readonly Detection[]): Detection[] {
  const merged: Detection[] = [];
  const order = found.map((detection, rank) => ({ ...detection, rank }));
  order.sort((a, b) => a.start - b.start || a.rank - b.rank);
  let lastRank = 0;
  for (const { kind, start, end, rank } of order) {
    const last = merged.at(-1);
    if (last === undefined || start >= last.end) {
      merged.push({ kind, start, end });
      lastRank = rank;
      continue;
    }
    const first = rank < lastRank ? kind : last.kind;
    lastRank = Math.min(rank, lastRank);
    merged[merged.length - 1] = { kind: first, start: last.start, end: Math.max(last.end, end) };
  }
  return merged;
}
