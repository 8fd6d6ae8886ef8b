import type { Detector } from '#writ/contracts';
import { encodedParts } from './encoded.js';
import { viewsOf } from './escapes.js';
import { fold } from './fold.js';
import { foldKey } from './paths.js';
import type { Rule, RuleGroup } from './rule.js';
import { RULE_GROUPS, SECRET_KEYS } from './rules.js';
import type { Range } from './validators.js';

export interface Detection {
  readonly kind: Detector;
  readonly start: number;
  readonly end: number;
  /** Kinds of finds that this one overlapped. */
  readonly also?: readonly Detector[];
}

/** Short words and nothing else: no secret has the form of these alone, and most texts are of them. */
const PLAIN_WORDS = /^(?:[A-Za-z]{0,15}[ ,.'"();\n])*[A-Za-z]{0,15}$/;
/** Base64 in base64. */
const ENCODED_DEPTH = 2;

/** What is looked for: the kinds of Writ's own rules, and the rules of a file when they are among the kinds. */
export interface Sought {
  readonly kinds: ReadonlySet<Detector>;
  readonly rules?: RuleGroup | undefined;
}

/**
 * Finds secrets and personal data of the given kinds in a text, in order and without overlap: as they stand there, in disguise (see
 * `viewsOf`), and inside of base64 or hexadecimal, which is then found as a whole.
 */
export function detect(original: string, sought: Sought): Detection[] {
  return merge(detectIn(original, sought, ENCODED_DEPTH));
}

function detectIn(original: string, sought: Sought, depth: number): Detection[] {
  const { kinds, rules } = sought;
  if (rules === undefined && (original.length < 4 || PLAIN_WORDS.test(original))) return [];
  const found: Detection[] = [];
  const views = viewsOf(original);
  for (const group of rules === undefined ? RULE_GROUPS : [...RULE_GROUPS, rules]) {
    const open = views.filter(({ text }) => group.gate.test(text));
    for (const rule of open.length === 0 ? [] : group.rules) {
      if (!kinds.has(rule.kind)) continue;
      for (const { text, start, end } of open) {
        if (!rule.gate.test(text)) continue;
        for (const [from, to] of rangesOf(rule, text))
          found.push({ kind: rule.kind, start: start(from), end: end(to) });
      }
    }
  }
  return depth === 0 ? found : [...found, ...detectEncoded(original, sought, depth - 1)];
}

function detectEncoded(original: string, sought: Sought, depth: number): Detection[] {
  return encodedParts(original).flatMap(({ start, end, texts }) => {
    const inside = texts.flatMap((text) => detectIn(text, sought, depth));
    const [first] = inside;
    return first === undefined ? [] : [{ kind: first.kind, start, end }];
  });
}

/** The kind of secret that a member's key says its value is. */
export function kindOfKey(key: string, kinds: ReadonlySet<Detector>): Detector | undefined {
  const word = foldKey(fold(key).text).replaceAll(/[\s_.-]/g, '');
  return SECRET_KEYS.find(([kind, pattern]) => kinds.has(kind) && pattern.test(word))?.[0];
}

function rangesOf({ pattern, pick, isSkippedWhole }: Rule, text: string): Range[] {
  const ranges: Range[] = [];
  let from = 0;
  for (;;) {
    pattern.lastIndex = from;
    const match = pattern.exec(text);
    if (match === null) return ranges;
    const range: Range | undefined = pick === undefined ? [match.index, pattern.lastIndex] : pick(match, text);
    if (range !== undefined) ranges.push(range);
    // After a near miss the search goes on one character later: what it covered may hold the real one.
    const missed = isSkippedWhole === undefined ? match.index + 1 : pattern.lastIndex;
    from = Math.max(from + 1, range?.[1] ?? missed);
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
    const also = kind === last.kind ? last.also : [...(last.also ?? []), first === kind ? last.kind : kind];
    lastRank = Math.min(rank, lastRank);
    merged[merged.length - 1] = {
      kind: first,
      start: last.start,
      end: Math.max(last.end, end),
      ...(also === undefined ? {} : { also }),
    };
  }
  return merged;
}
