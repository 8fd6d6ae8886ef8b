import type { Detector } from '#writ/contracts';
import { BITS } from './anchors.js';
import { encodedParts } from './encoded.js';
import { viewsOf } from './escapes.js';
import { fold, type FoldedText } from './fold.js';
import { BOTH_CASES, DISGUISE, ESCAPE, type Glance, IN_BASE64, IN_HEX, isOfLetters } from './glance.js';
import { foldKey } from './paths.js';
import type { OwnRule, Rule, RuleGroup } from './rule.js';
import { OWN_RULES, SECRET_KEYS } from './rules.js';
import { ownGlanceAt, type Sought } from './sought.js';
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
const asItIs = (index: number): number => index;

/**
 * Finds secrets and personal data of the given kinds in a text, in order and without overlap: as they stand there, in disguise (see
 * `viewsOf`), and inside of base64 or hexadecimal, which is then found as a whole.
 */
export function detect(original: string, sought: Sought): readonly Detection[] {
  return merge(detectIn(original, sought, ENCODED_DEPTH));
}

const NONE: readonly Detection[] = [];

function detectIn(original: string, sought: Sought, depth: number): readonly Detection[] {
  const glance = ownGlanceAt(original);
  if (sought.rules === undefined && (original.length < 4 || (isOfLetters(glance) && PLAIN_WORDS.test(original))))
    return NONE;
  const found: Detection[] = [];
  const isPlain = (glance.has & (ESCAPE | DISGUISE)) === 0;
  const views = isPlain
    ? [{ text: original, start: asItIs, end: asItIs, glance }]
    : viewsOf(original).map(({ text, start, end }) => ({
        text,
        start,
        end,
        glance: text === original ? glance : ownGlanceAt(text),
      }));
  detectOwn(views, sought, found);
  if (sought.rules !== undefined) detectByFile(views, sought.rules, found);
  if (depth > 0 && (glance.hasInLong & (IN_BASE64 | IN_HEX)) !== 0)
    detectEncoded({ original, glance }, { sought, depth: depth - 1 }, found);
  return found;
}

interface View extends FoldedText {
  readonly glance: Glance;
}

/** Asks Writ's own rules that a view has the anchors of, in their order. */
function detectOwn(views: readonly View[], sought: Sought, found: Detection[]): void {
  let [low, high] = [0, 0];
  for (const { glance } of views) {
    low |= glance.low & sought.low;
    high |= glance.high & sought.high;
  }
  for (; low !== 0; low &= low - 1) ask(OWN_RULES[lowestBit(low)], views, found);
  for (; high !== 0; high &= high - 1) ask(OWN_RULES[BITS + lowestBit(high)], views, found);
}

const lowestBit = (bits: number): number => 31 - Math.clz32(bits & -bits);

function ask(rule: OwnRule | undefined, views: readonly View[], found: Detection[]): void {
  if (rule === undefined) return;
  for (const view of views) {
    if (hasWhatIsNeeded(rule, view.glance) && rule.gate?.test(view.text) !== false) addRanges(rule, view, found);
  }
}

function hasWhatIsNeeded({ digits = 0, run = 0, isMixed }: OwnRule, glance: Glance): boolean {
  if (glance.digits < digits || glance.longest < run) return false;
  return isMixed === undefined || (glance.hasInLong & BOTH_CASES) === BOTH_CASES;
}

function detectByFile(views: readonly View[], { gate, rules }: RuleGroup, found: Detection[]): void {
  const open = views.filter(({ text }) => gate.test(text));
  for (const rule of open.length === 0 ? [] : rules)
    for (const view of open) if (rule.gate?.test(view.text) !== false) addRanges(rule, view, found);
}

function detectEncoded(
  { original, glance }: { readonly original: string; readonly glance: Glance },
  { sought, depth }: { readonly sought: Sought; readonly depth: number },
  found: Detection[],
): void {
  for (const { start, end, texts } of encodedParts(original, glance)) {
    let kind: Detector | undefined;
    // All of them, also after a find: what cannot be scanned withholds the whole.
    for (const text of texts) {
      const [first] = detectIn(text, sought, depth);
      kind ??= first?.kind;
    }
    if (kind !== undefined) found.push({ kind, start, end });
  }
}

/** The kind of secret that a member's key says its value is. */
export function kindOfKey(key: string, kinds: ReadonlySet<Detector>): Detector | undefined {
  const word = foldKey(fold(key).text).replaceAll(/[\s_.-]/g, '');
  return SECRET_KEYS.find(([kind, pattern]) => kinds.has(kind) && pattern.test(word))?.[0];
}

function addRanges(
  { kind, pattern, pick, isSkippedWhole }: Rule,
  { text, start, end }: FoldedText,
  found: Detection[],
): void {
  let from = 0;
  for (;;) {
    pattern.lastIndex = from;
    const match = pattern.exec(text);
    if (match === null) return;
    const range: Range | undefined = pick === undefined ? [match.index, pattern.lastIndex] : pick(match, text);
    if (range !== undefined) found.push({ kind, start: start(range[0]), end: end(range[1]) });
    // After a near miss the search goes on one character later: what it covered may hold the real one.
    const missed = isSkippedWhole === undefined ? match.index + 1 : pattern.lastIndex;
    from = Math.max(from + 1, range?.[1] ?? missed);
  }
}

/** Overlapping finds become one, of the kind whose rule stands first. */
function merge(found: readonly Detection[]): readonly Detection[] {
  if (found.length < 2) return found;
  const merged: Detection[] = [];
  const order = found.map(({ kind, start, end }, rank) => ({ kind, start, end, rank }));
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
