import type { Detector } from '#writ/contracts';
import type { Range } from './validators.js';

/**
 * One way in which a kind of secret is written. Patterns are linear: every quantifier is bounded, and no two parts of a pattern
 * can share a character. They run on folded text (see `fold`).
 */
export interface Rule {
  readonly kind: Detector;
  /** Cheap and necessary, where it is given: without it the pattern is not asked. */
  readonly gate?: RegExp;
  readonly pattern: Pick<RegExp, 'exec' | 'lastIndex'>;
  /** The part that is secret, or undefined when it is none after all. Absent: the whole match. */
  readonly pick?: (match: RegExpExecArray, text: string) => Range | undefined;
  /** After a near miss the search goes on behind it: what a match may hold is unbounded. Absent: one character after it began. */
  readonly isSkippedWhole?: true;
}

/** A rule of Writ's own. What it needs stands in every text that it finds something in, and one look at a text says what it has. */
export interface OwnRule extends Rule {
  readonly pattern: RegExp;
  /** Literals of which one is needed, in every case if the pattern takes every case (see `anchors.ts`); `#` is any digit. None: the rest is needed alone. */
  readonly anchors: readonly string[];
  /** Characters in a row that are needed, of those that tokens are made of. */
  readonly run?: number;
  /** Digits in a row that are needed, with blanks, points and other signs of numbers between them or none. */
  readonly digits?: number;
  /** Letters of both cases are needed in the run. */
  readonly isMixed?: true;
}

/** Rules of a file, which are asked together: most texts have none of their keywords, and one look at the text says so. */
export interface RuleGroup {
  readonly gate: RegExp;
  readonly rules: readonly Rule[];
}

/** The whole match. */
export const whole = (match: RegExpExecArray): Range => [match.index, match.index + match[0].length];

/** The last group, where the pattern ends with it. */
export const lastGroup = (match: RegExpExecArray): Range => {
  const end = match.index + match[0].length;
  return [end - (match.at(-1)?.length ?? 0), end];
};

/** The beginning of a match, if it has a length. */
export const prefixOf = (match: RegExpExecArray, length: number | undefined): Range | undefined =>
  length === undefined ? undefined : [match.index, match.index + length];

/** At most `length` characters that stand before a match. */
export const before = ({ index }: RegExpExecArray, text: string, length: number): string =>
  text.slice(Math.max(0, index - length), index);

/** Xs instead of characters. */
const REPEATED = /(.)\1{5}/;

/** The whole match, unless it only shows what a secret looks like. */
export const unlessRepeated = (match: RegExpExecArray): Range | undefined =>
  REPEATED.test(match[0]) ? undefined : whole(match);

/** Words that stand after `password:` or `api_key=` in instructions and examples. */
const NO_VALUE =
  /^(?:must|shall|should|needs?|can|cannot|may|will|was|has|have|is|are|not|too|required|optional|none|null|undefined|true|false|empty|unset|hidden|string|text|field|reset|changed|change|incorrect|invalid|wrong|expired|expires|protected|prompt|please|your|enter|forgot|forgotten|here|policy|with|that|this|from|saved|stored|missing|example|redacted|unknown|never|any|boolean|number|object|bytes|weak|strong|between|minimum|maximum|valid|same|different)\b/i;
const PLACEHOLDER =
  /^(?:[<{[(*]|\$(?:[{(]|[A-Z_]{2,})|%[A-Z_]{2,40}%|(.)\1*$)|^(?:your|my|the|some|insert|example|dummy|test|x{3,})[-_]?(?:api|key|secret|token|password|pass)/i;

/** What a program reads a secret from. */
const REFERENCE =
  /^(?:\.{0,2}\/[\w./-]+$|(?:process\.env|os\.environ|os\.getenv|env|secrets?|settings|config|vault|getpass|input|prompt|self|this|var|local|data|module|args|params|options|request|req|ctx)[.[(]|[a-z_][\w.]{1,60}\(\)?$)/i;

/** The last group, unless it is a word of an instruction, a placeholder, or what a program reads the secret from. */
export const assigned = (match: RegExpExecArray): Range | undefined => {
  const value = match.at(-1) ?? '';
  return NO_VALUE.test(value) || PLACEHOLDER.test(value) || REFERENCE.test(value) ? undefined : lastGroup(match);
};
