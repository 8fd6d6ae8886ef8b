import {
  canonicalJson,
  DETECTORS,
  type Json,
  type Obligation,
  type ObligationOf,
  type RedactAction,
} from '#writ/contracts';
import { readToken } from '#writ/vault';

/** A digest of a value under a key of the tenant, 16 hexadecimal digits. */
export type KeyedHash = (kind: string, text: string) => string;

/** From the one that leaves most to the one that leaves nothing. */
const STRICTNESS: readonly RedactAction[] = ['tokenise', 'hash', 'mask', 'drop'];

/** The strictest of several: what one policy wants gone, another cannot keep. Nothing said is `mask`. */
export function strictest(actions: readonly (RedactAction | undefined)[]): RedactAction {
  return STRICTNESS[Math.max(...actions.map((action) => STRICTNESS.indexOf(action ?? 'mask')))] ?? 'mask';
}

const KINDS = [...DETECTORS, 'path'].join('|');
const SHOWN = new RegExp(`^\\[(?:redacted:(?:${KINDS})|hashed:[0-9a-f]{16}:(?:${KINDS}))\\]$`);

/** What is hashed or sealed of a value. */
export const textOf = (value: Json): string => (typeof value === 'string' ? value : canonicalJson(value));

/** Whether a text has the form of what a redaction leaves in the place of a value. */
function isRedacted(text: string): boolean {
  return SHOWN.test(text) || readToken(text) !== undefined;
}

/** Whether a value is one that its key may call a secret: a number or a text, and not what an earlier redaction left. */
export function isScalar(value: Json): boolean {
  return typeof value === 'number' || (typeof value === 'string' && value !== '' && !isRedacted(value));
}

/** Whether obligations ask for tokens on one side, so that a key to make them with is needed. */
export function asksForTokens(obligations: readonly Obligation[], target: ObligationOf<'redact'>['target']): boolean {
  return obligations.some((each) => each.type === 'redact' && each.target === target && each.action === 'tokenise');
}
