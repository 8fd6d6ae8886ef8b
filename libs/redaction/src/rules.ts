import type { Detector } from '#writ/contracts';
import { cardLength, ibanLength, isSsn, type Range } from './validators.js';

/**
 * One way in which a kind of secret is written. Patterns are linear: every quantifier is bounded, and no two parts of a pattern
 * can share a character. They run on folded text (see `fold`).
 */
export interface Rule {
  readonly kind: Detector;
  /** Cheap and necessary: without it the pattern cannot match. */
  readonly gate: RegExp;
  readonly pattern: RegExp;
  /** The part that is secret, or undefined when it is none after all. Absent: the whole match. */
  readonly pick?: (match: RegExpExecArray, text: string) => Range | undefined;
}

const whole = (match: RegExpExecArray): Range => [match.index, match.index + match[0].length];

/** The last group, where the pattern ends with it. */
const lastGroup = (match: RegExpExecArray): Range => {
  const end = match.index + match[0].length;
  return [end - (match.at(-1)?.length ?? 0), end];
};

const prefixOf = (match: RegExpExecArray, length: number | undefined): Range | undefined =>
  length === undefined ? undefined : [match.index, match.index + length];

/** A private key goes on to its last line, or to the end of the text when that is cut off. */
const privateKey = (match: RegExpExecArray, text: string): Range => {
  const end = /-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/g;
  end.lastIndex = match.index;
  return [match.index, end.exec(text) === null ? text.length : end.lastIndex];
};

const VERSION_BEFORE = /(?:\bv|version|release|build|section|chapter|firmware)[\s:=.#]{0,4}$/i;

const address = (match: RegExpExecArray, text: string): Range | undefined =>
  VERSION_BEFORE.test(text.slice(Math.max(0, match.index - 20), match.index)) ? undefined : whole(match);

/** The pattern finds the sign and the domain; the part before it is looked for backwards, so that no long word is tried twice. */
const email = (match: RegExpExecArray, text: string): Range | undefined => {
  const local = /[\p{L}\p{N}._+-]{1,64}$/u.exec(text.slice(Math.max(0, match.index - 64), match.index))?.[0];
  const isDomain = /\.(?:\p{L}{2,24}|xn--[a-z0-9-]{1,59})$/iu.test(match[0]);
  return local !== undefined && isDomain ? [match.index - local.length, whole(match)[1]] : undefined;
};

/** Words that stand after `password:` or `api_key=` in instructions and examples. */
const NO_VALUE =
  /^(?:must|shall|should|needs?|can|cannot|may|will|was|has|have|is|are|not|too|required|optional|none|null|undefined|true|false|empty|unset|hidden|string|text|field|reset|changed|change|incorrect|invalid|wrong|expired|expires|protected|prompt|please|your|enter|forgot|forgotten|here|policy|with|that|this|from|saved|stored|missing|example|redacted|weak|strong|between|minimum|maximum|valid|same|different)\b/i;
const PLACEHOLDER =
  /^(?:[<$%{[(*]|(.)\1*$)|^(?:your|my|the|some|insert|example|dummy|test|x{3,})[-_]?(?:api|key|secret|token|password|pass)/i;

const assigned = (match: RegExpExecArray): Range | undefined => {
  const value = match.at(-1) ?? '';
  return NO_VALUE.test(value) || PLACEHOLDER.test(value) ? undefined : lastGroup(match);
};

/** In running text a password is told from a word by a digit or a sign in it. */
const said = (match: RegExpExecArray): Range | undefined =>
  /[0-9!#$%^&*+=?@~]/.test(match.at(-1)?.slice(0, -1) ?? '') ? assigned(match) : undefined;

const key = (match: RegExpExecArray): Range | undefined =>
  /[0-9]/.test(match.at(-1) ?? '') ? assigned(match) : undefined;

/** In order: where two overlap, the union is replaced under the kind that stands first. */
export const RULES: readonly Rule[] = [
  {
    kind: 'private-key',
    gate: /PRIVATE KEY/,
    pattern: /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/g,
    pick: privateKey,
  },
  {
    kind: 'jwt',
    gate: /eyJ/,
    pattern: /(?:(?<![\w-])|(?<=%[0-9A-F]{2}))eyJ[\w-]{8,8192}\.eyJ[\w-]{8,16384}\.[\w-]{0,4096}/g,
  },
  { kind: 'github-token', gate: /gh[pousr]_/, pattern: /gh[pousr]_[A-Za-z0-9]{36,255}/g },
  { kind: 'github-token', gate: /github_pat_/, pattern: /github_pat_[A-Za-z0-9_]{22,255}/g },
  { kind: 'slack-token', gate: /xox/, pattern: /xox[abcdeoprs](?:\.xox[bp])?-[A-Za-z0-9-]{10,255}/g },
  { kind: 'slack-token', gate: /xapp-/, pattern: /xapp-\d-[A-Za-z0-9-]{10,255}/g },
  {
    kind: 'slack-token',
    gate: /hooks\.slack\.com/,
    pattern: /hooks\.slack\.com\/(?:services|workflows|triggers)\/[A-Za-z0-9_/-]{20,255}/g,
  },
  {
    kind: 'aws-key',
    gate: /A(?:KIA|SIA|BIA|CCA)/,
    pattern: /(?<![A-Za-z0-9])A(?:KIA|SIA|BIA|CCA)[A-Z2-7]{16}(?![A-Za-z0-9])/g,
  },
  {
    kind: 'aws-key',
    gate: /secret/i,
    pattern: /secret_?(?:access_?)?key["']?\s{0,4}[:=]\s{0,4}["']?([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+])/gi,
    pick: lastGroup,
  },
  {
    kind: 'api-key',
    gate: /sk-|[srp]k_|AIza|SG\.|npm_|glpat-|hf_|dop_v1_|shp|ya29\.|pypi-|whsec_/,
    pattern:
      /(?<![A-Za-z0-9])(?:sk-[A-Za-z0-9_-]{20,255}|[srp]k_(?:live|test)_[A-Za-z0-9]{16,255}|AIza[A-Za-z0-9_-]{35}|SG\.[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{16,64}|npm_[A-Za-z0-9]{36}|glpat-[A-Za-z0-9_-]{20,64}|hf_[A-Za-z0-9]{30,64}|dop_v1_[a-f0-9]{64}|shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}|ya29\.[A-Za-z0-9_-]{20,255}|pypi-[A-Za-z0-9_-]{32,255}|whsec_[A-Za-z0-9+/]{24,64})/g,
  },
  {
    kind: 'api-key',
    gate: /key|token|secret/i,
    pattern:
      /(?:api[ _-]?key|(?:access|auth|refresh|bearer|session)[ _-]?token|client[ _-]?secret|secret[ _-]?key)["']?\s{0,4}(?:[:=]|\bis\b)\s{0,4}["']?([A-Za-z0-9_./+=-]{16,255})/gi,
    pick: key,
  },
  {
    kind: 'api-key',
    gate: /bearer|basic/i,
    pattern: /\b(?:bearer|basic)(?:\s|%20){1,4}([A-Za-z0-9._~+/=-]{16,2048})/gi,
    pick: key,
  },
  {
    kind: 'iban',
    gate: /[A-Z]{2}\d{2}/i,
    pattern: /(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}/gi,
    pick: (match) => prefixOf(match, ibanLength(match[0])),
  },
  {
    kind: 'card',
    gate: /\d(?:[ -]?\d){12}/,
    pattern: /(?<![\d.])[2-6](?:[ -]?\d){12,18}(?!\d)/g,
    pick: (match) => prefixOf(match, cardLength(match[0])),
  },
  {
    kind: 'ssn',
    gate: /\d{4}/,
    pattern: /(?<![\w-])(\d{3})([- ])(\d{2})\2(\d{4})(?![\w-])/g,
    pick: (match) => (isSsn(match[1] ?? '', match[3] ?? '', match[4] ?? '') ? whole(match) : undefined),
  },
  {
    kind: 'ssn',
    gate: /ssn|social security/i,
    pattern: /(?:ssn|social security(?: number| no)?)["'\s:=#.]{0,6}(?:is )?(\d{9})(?!\d)/gi,
    pick: lastGroup,
  },
  {
    kind: 'email',
    gate: /@|%40/,
    pattern: /(?:@|%40)[\p{L}\p{N}-]{1,63}(?:\.[\p{L}\p{N}-]{1,63}){1,8}/gu,
    pick: email,
  },
  {
    kind: 'ipv4',
    gate: /\d\.\d/,
    pattern:
      /(?<![\w.-])(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}(?!\.?\d|[A-Za-z_]|-[A-Za-z])/g,
    pick: address,
  },
  { kind: 'phone', gate: /\+\d/, pattern: /(?<![\w+])\+\d(?:[ ().-]{0,2}\d){7,14}(?!\d)/g },
  {
    kind: 'phone',
    gate: /\d{3}[ .-]\d{4}/,
    pattern: /(?<![\w.+-])(?:1[ .-])?(?:\([2-9]\d{2}\) ?|[2-9]\d{2}[ .-])[2-9]\d{2}[ .-]\d{4}(?![\w-])/g,
  },
  {
    kind: 'phone',
    gate: /\b0\d{2}/,
    pattern: /(?<![\w.+-]|\d )(?:\(0\d{2,4}\)|0\d{2,4})[ /-]\d{3,4}[ -]?\d{3,4}(?![\w-])/g,
  },
  {
    kind: 'phone',
    gate: /tel|phone|mobile|cell|call|fax|sms|whatsapp/i,
    pattern:
      /\b(?:tel|telephone|phone|mobile|cell|call|fax|sms|whatsapp)(?: number| no| me at| us at| at| is)?["'\s:=.#]{1,6}(\d(?:[ ().-]{0,2}\d){6,14})(?![\d-])/gi,
    pick: lastGroup,
  },
  {
    kind: 'password',
    gate: /pass|pwd/i,
    pattern:
      /(?:passw(?:or)?d|passphrase|passcode|passwort|(?<![a-z])(?:pwd|pass))["']?\s{0,4}[:=]{1,2}\s{0,4}["'`]?((?:[^\s"'`,;&]|&(?![a-z_]{1,32}=)){4,128})/gi,
    pick: assigned,
  },
  {
    kind: 'password',
    gate: /pass/i,
    pattern: /(?:password|passphrase|passcode)\s{1,4}(?:is|to)\s{1,4}["'`]?([^\s"'`,;]{4,128})/gi,
    pick: said,
  },
  {
    kind: 'password',
    gate: /:\/\//,
    pattern: /:\/\/[^\s:/@]{0,64}:([^\s/@]{1,128})(?=@)/g,
    pick: assigned,
  },
];

/** Kinds that a key alone gives away: `{"password": "…"}`. Compared after folding, without `_`, `-` and blanks. */
export const SECRET_KEYS: readonly (readonly [Detector, RegExp])[] = [
  ['password', /^(?:[a-z0-9]{0,32}(?:password|passwd|passphrase|passcode)|pwd|pass)$/],
  [
    'api-key',
    /^(?:x?apikey|(?:access|auth|refresh|bearer|session|api|bot)token|clientsecret|secret(?:access)?key|privatekey|authorization)$/,
  ],
  ['ssn', /^(?:ssn|socialsecurity(?:number|no)?)$/],
];
