import { lastGroup, ruleGroup, unlessRepeated } from './rule.js';
import type { Range } from './validators.js';

/** What stands in a key: the words alone are those of a manual. */
const KEY_BODY = /[A-Za-z0-9+/]{16}/;
const KEY_BODY_WITHIN = 400;

/** A private key goes on to its last line, or to the end of the text when that is cut off. */
const privateKey = (match: RegExpExecArray, text: string): Range | undefined => {
  const body = match.index + match[0].length;
  const end = /-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/g;
  end.lastIndex = match.index;
  const hasEnd = end.exec(text) !== null;
  if (!KEY_BODY.test(text.slice(body, hasEnd ? end.lastIndex : body + KEY_BODY_WITHIN))) return undefined;
  return [match.index, hasEnd ? end.lastIndex : text.length];
};

/** Keys that their prefix names, by vendor: prefix, alphabet and length. */
const PREFIXED: readonly (readonly [prefix: string, rest: string])[] = [
  ['sk-', '[A-Za-z0-9_-]{20,255}'],
  ['[srp]k_(?:live|test)_', '[A-Za-z0-9]{16,255}'],
  ['whsec_', '[A-Za-z0-9+/]{24,64}'],
  ['AIza', '[A-Za-z0-9_-]{35}'],
  ['ya29\\.', '[A-Za-z0-9_-]{20,255}'],
  ['GOCSPX-', '[A-Za-z0-9_-]{20,40}'],
  ['SG\\.', '[A-Za-z0-9_-]{16,64}\\.[A-Za-z0-9_-]{16,64}'],
  ['npm_', '[A-Za-z0-9]{36}'],
  ['pypi-', '[A-Za-z0-9_-]{32,255}'],
  ['rubygems_', '[0-9a-f]{48}'],
  ['gl(?:pat|dt|rt|cbt|ptt|soat)-', '[A-Za-z0-9_-]{20,64}'],
  ['glsa_', '[A-Za-z0-9]{32}_[0-9a-f]{8}'],
  ['hf_', '[A-Za-z0-9]{30,64}'],
  ['do[opr]_v1_', '[a-f0-9]{64}'],
  ['shp(?:at|ca|pa|ss)_', '[a-fA-F0-9]{32}'],
  ['sq0(?:atp|csp|idp)-', '[A-Za-z0-9_-]{22,64}'],
  ['EAAA', '[A-Za-z0-9_-]{56,64}'],
  ['EAA', '[A-Za-z0-9]{90,255}'],
  ['key-', '[0-9a-f]{32}'],
  ['SK', '[0-9a-f]{32}'],
  ['NR(?:AK|II|JS)-', '[A-Za-z0-9]{19,64}'],
  ['dapi', '[0-9a-f]{32}'],
  ['lin_(?:api|oauth)_', '[A-Za-z0-9]{32,64}'],
  ['secret_', '[A-Za-z0-9]{43}'],
  ['ntn_', '[A-Za-z0-9]{40,64}'],
  ['hv[sb]\\.', '[A-Za-z0-9_-]{24,255}'],
  ['dckr_pat_', '[A-Za-z0-9_-]{24,64}'],
  ['PMAK-', '[0-9a-f]{24}-[0-9a-f]{34}'],
  ['sntry[su]_', '[A-Za-z0-9+/=_-]{40,255}'],
  ['figd_', '[A-Za-z0-9_-]{30,64}'],
  ['ATATT3', '[A-Za-z0-9_=-]{60,255}'],
  ['pat-(?:na|eu)\\d-', '[0-9a-f-]{36}'],
  ['sbp_', '[0-9a-f]{40}'],
  ['AGE-SECRET-KEY-1', '[A-Z0-9]{58}'],
];
const API_KEY_PREFIX = new RegExp(PREFIXED.map(([prefix]) => prefix).join('|'));
const API_KEYS = new RegExp(
  `(?<![A-Za-z0-9])(?:${PREFIXED.map(([prefix, rest]) => prefix + rest).join('|')})(?![A-Za-z0-9])`,
  'g',
);

/** Secrets whose form alone gives them away. */
export const TOKEN_RULES = ruleGroup([
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
  { kind: 'github-token', gate: /gh[pousr]_/, pattern: /gh[pousr]_[A-Za-z0-9]{36,255}/g, pick: unlessRepeated },
  { kind: 'github-token', gate: /github_pat_/, pattern: /github_pat_[A-Za-z0-9_]{22,255}/g },
  { kind: 'slack-token', gate: /xox/, pattern: /xox[abcdeoprs](?:\.xox[bp])?-[A-Za-z0-9-]{10,255}/g },
  { kind: 'slack-token', gate: /xapp-/, pattern: /xapp-\d-[A-Za-z0-9-]{10,255}/g },
  {
    kind: 'slack-token',
    gate: /hooks\.slack\.com/,
    pattern: /(?:https?:\/\/)?hooks\.slack\.com\/(?:services|workflows|triggers)\/[A-Za-z0-9_/-]{20,255}/g,
  },
  {
    kind: 'aws-key',
    gate: /A(?:KIA|SIA|BIA|CCA)/,
    pattern: /(?<![A-Za-z0-9])A(?:KIA|SIA|BIA|CCA)[A-Z0-9]{16}(?![A-Za-z0-9])/g,
    pick: unlessRepeated,
  },
  {
    kind: 'aws-key',
    gate: /A(?:KIA|SIA)/,
    pattern: /A(?:KIA|SIA)[A-Z0-9]{16}["'\s,;:|/]{1,4}([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+])/g,
    pick: lastGroup,
  },
  {
    kind: 'aws-key',
    gate: /IQoJ|FwoG|FQoG/,
    pattern: /(?<![A-Za-z0-9+/])(?:IQoJ|FwoG|FQoG)[A-Za-z0-9+/]{60,4096}={0,2}/g,
  },
  {
    kind: 'api-key',
    gate: API_KEY_PREFIX,
    pattern: API_KEYS,
    pick: unlessRepeated,
  },
  {
    kind: 'api-key',
    gate: /\d:[A-Za-z0-9_-]{35}/,
    pattern: /(?:(?<=\bbot)|(?<![\w:]))\d{8,10}:[A-Za-z0-9_-]{35}(?![\w-])/g,
  },
  {
    kind: 'api-key',
    gate: /[\w-]\.[\w-]{6}\./,
    pattern: /(?<![\w.-])[MNO][\w-]{23,27}\.[\w-]{6}\.[\w-]{27,45}(?![\w.-])/g,
  },
]);
