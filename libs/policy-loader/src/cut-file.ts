import {
  headSpan,
  lineIndex,
  oversizedIntegers,
  type PlacedText,
  placeOfSpan,
  type PolicyFaultCode,
  type PolicyProblem,
  type PolicyText,
  type Span,
  splitPolicies,
} from '#writ/policy';
import type { PolicyFile } from './policy-files.js';

const POLICY_CHARACTERS_MAX = 10_240;
/** Cedar's parser ends or poisons its process at about 150; what is deeper is refused before the parser sees it. */
const BRACKET_DEPTH_MAX = 60;
/**
 * Text that is shown in another order than it is read in would hide a policy from its reviewer; a NUL ends the text for some
 * tools and not for others.
 */
// oxlint-disable-next-line no-control-regex
const HIDING = /[\0\u202a-\u202e\u2066-\u2069]/gu;

export interface CutFile {
  /** The file as text; undefined when it is none. */
  readonly text: string | undefined;
  /** Policies that may be shown to the parser. */
  readonly policies: readonly PlacedText[];
  readonly problems: readonly PolicyProblem[];
}

interface Complaint {
  readonly code: PolicyFaultCode;
  readonly rule: string;
  readonly message: string;
  readonly help?: string;
}

/** Cuts a file at the ends of its policies, and keeps from the parser what it should not see. A byte order mark is skipped. */
export function cutFile({ set, name: file, bytes }: PolicyFile): CutFile {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return { text: undefined, policies: [], problems: [encodingProblem(file, bytes)] };
  }
  const whole = { set, file, line: 1, col: 1, text };
  const problems: PolicyProblem[] = [...text.matchAll(HIDING)].map(({ 0: character, index }) => {
    const name = `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
    const message = `the invisible character ${name} makes the text read otherwise than it is`;
    return problemAt(
      whole,
      { start: index, end: index + 1 },
      { code: 'POLICY_PARSE', rule: 'hidden-character', message },
    );
  });
  const at = lineIndex(text);
  const policies = splitPolicies(text).flatMap((policy): readonly PlacedText[] => {
    const placed = { set, file, ...at(policy.start), text: policy.text };
    const refusals = policy.isTerminated ? refusalsOf(placed, policy) : [unterminated(placed, policy)];
    problems.push(...refusals);
    return refusals.length === 0 ? [placed] : [];
  });
  return { text, policies, problems };
}

function unterminated(policy: PlacedText, { openStringAt }: PolicyText): PolicyProblem {
  const end = policy.text.length;
  if (openStringAt !== undefined) {
    const complaint = {
      code: 'POLICY_PARSE',
      rule: 'unterminated',
      message: 'the string has no `"` at its end',
    } as const;
    return problemAt(policy, { start: openStringAt, end }, complaint);
  }
  const last = { start: Math.max(0, end - 1), end };
  const help = 'every policy ends with `;`';
  const message = 'the policy has no `;` at its end';
  return problemAt(policy, last, { code: 'POLICY_PARSE', rule: 'unterminated', message, help });
}

function refusalsOf(policy: PlacedText, { depth, deepestAt }: PolicyText): readonly PolicyProblem[] {
  const complain = (rule: string, message: string, span: Span): PolicyProblem =>
    problemAt(policy, span, { code: 'POLICY_LINT', rule, message, help: 'split it in two' });
  if (depth > BRACKET_DEPTH_MAX) {
    const message = `the policy nests deeper than ${BRACKET_DEPTH_MAX} brackets and prefix operators`;
    return [complain('nesting', message, { start: deepestAt, end: deepestAt + 1 })];
  }
  if (policy.text.length > POLICY_CHARACTERS_MAX) {
    const message = `the policy is longer than ${POLICY_CHARACTERS_MAX} characters`;
    return [complain('too-long', message, headSpan(policy.text))];
  }
  return oversizedIntegers(policy.text).map((span) => {
    const message = `the integer \`${policy.text.slice(span.start, span.end)}\` is beyond 2^53 - 1, the largest that is exact`;
    return problemAt(policy, span, { code: 'POLICY_UNSUPPORTED', rule: 'integer-too-large', message });
  });
}

function problemAt(text: PlacedText, span: Span, { code, ...more }: Complaint): PolicyProblem {
  return { code, ...placeOfSpan(text, span), ...more };
}

function encodingProblem(file: string, bytes: Uint8Array): PolicyProblem {
  const isUtf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  // The start of a character that is not finished is not part of it.
  const before = new TextDecoder().decode(bytes.subarray(0, firstBadByte(bytes)), { stream: true });
  const { line, col } = lineIndex(before)(before.length);
  const help = isUtf16 ? 'it looks like UTF-16: save it as UTF-8' : 'save it as UTF-8';
  const message = 'the file is not well-formed UTF-8';
  return { code: 'POLICY_PARSE', rule: 'encoding', file, line, col, message, help };
}

/** Where well-formed text ends. */
function firstBadByte(bytes: Uint8Array): number {
  let [low, high] = [0, bytes.length];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (isWellFormed(bytes.subarray(0, middle))) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Whether the bytes begin well-formed text; the last character may be cut. */
function isWellFormed(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}
