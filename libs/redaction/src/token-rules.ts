import { lastGroup, type OwnRule, unlessRepeated } from './rule.js';
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
const PREFIXED: readonly (readonly [anchors: readonly string[], prefix: string, rest: string])[] = [
  [['sk-'], 'sk-', '[A-Za-z0-9_-]{20,255}'],
  [['k_live_', 'k_test_'], '[srp]k_(?:live|test)_', '[A-Za-z0-9]{16,255}'],
  [['whsec_'], 'whsec_', '[A-Za-z0-9+/]{24,64}'],
  [['AIza'], 'AIza', '[A-Za-z0-9_-]{35}'],
  [['ya29.'], 'ya29\\.', '[A-Za-z0-9_-]{20,255}'],
  [['GOCSPX-'], 'GOCSPX-', '[A-Za-z0-9_-]{20,40}'],
  [['SG.'], 'SG\\.', '[A-Za-z0-9_-]{16,64}\\.[A-Za-z0-9_-]{16,64}'],
  [['npm_'], 'npm_', '[A-Za-z0-9]{36}'],
  [['pypi-'], 'pypi-', '[A-Za-z0-9_-]{32,255}'],
  [['rubygems_'], 'rubygems_', '[0-9a-f]{48}'],
  [
    ['glpat-', 'gldt-', 'glrt-', 'glcbt-', 'glptt-', 'glsoat-'],
    'gl(?:pat|dt|rt|cbt|ptt|soat)-',
    '[A-Za-z0-9_-]{20,64}',
  ],
  [['glsa_'], 'glsa_', '[A-Za-z0-9]{32}_[0-9a-f]{8}'],
  [['hf_'], 'hf_', '[A-Za-z0-9]{30,64}'],
  [['doo_v1_', 'dop_v1_', 'dor_v1_'], 'do[opr]_v1_', '[a-f0-9]{64}'],
  [['shpat_', 'shpca_', 'shppa_', 'shpss_'], 'shp(?:at|ca|pa|ss)_', '[a-fA-F0-9]{32}'],
  [['sq0atp-', 'sq0csp-', 'sq0idp-'], 'sq0(?:atp|csp|idp)-', '[A-Za-z0-9_-]{22,64}'],
  [['EAAA'], 'EAAA', '[A-Za-z0-9_-]{56,64}'],
  [['EAA'], 'EAA', '[A-Za-z0-9]{90,255}'],
  [['key-'], 'key-', '[0-9a-f]{32}'],
  [['SK'], 'SK', '[0-9a-f]{32}'],
  [['NRAK-', 'NRII-', 'NRJS-'], 'NR(?:AK|II|JS)-', '[A-Za-z0-9]{19,64}'],
  [['dapi'], 'dapi', '[0-9a-f]{32}'],
  [['lin_api_', 'lin_oauth_'], 'lin_(?:api|oauth)_', '[A-Za-z0-9]{32,64}'],
  [['secret_'], 'secret_', '[A-Za-z0-9]{43}'],
  [['ntn_'], 'ntn_', '[A-Za-z0-9]{40,64}'],
  [['hvs.', 'hvb.'], 'hv[sb]\\.', '[A-Za-z0-9_-]{24,255}'],
  [['dckr_pat_'], 'dckr_pat_', '[A-Za-z0-9_-]{24,64}'],
  [['PMAK-'], 'PMAK-', '[0-9a-f]{24}-[0-9a-f]{34}'],
  [['sntrys_', 'sntryu_'], 'sntry[su]_', '[A-Za-z0-9+/=_-]{40,255}'],
  [['figd_'], 'figd_', '[A-Za-z0-9_-]{30,64}'],
  [['ATATT3'], 'ATATT3', '[A-Za-z0-9_=-]{60,255}'],
  [['pat-na', 'pat-eu'], 'pat-(?:na|eu)\\d-', '[0-9a-f-]{36}'],
  [['sbp_'], 'sbp_', '[0-9a-f]{40}'],
  [['AGE-SECRET-KEY-1'], 'AGE-SECRET-KEY-1', '[A-Z0-9]{58}'],
];
const PREFIXES = PREFIXED.flatMap(([anchors]) => anchors);
const API_KEYS = new RegExp(
  `(?<![A-Za-z0-9])(?:${PREFIXED.map(([, prefix, rest]) => prefix + rest).join('|')})(?![A-Za-z0-9])`,
  'g',
);

/** Secrets whose form alone gives them away. */
export const TOKEN_RULES: readonly OwnRule[] = [
  {
    kind: 'private-key',
    anchors: ['PRIVATE KEY'],
    pattern: /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/g,
    pick: privateKey,
  },
  {
    kind: 'jwt',
    anchors: ['eyJ'],
    pattern: /(?:(?<![\w-])|(?<=%[0-9A-F]{2}))eyJ[\w-]{8,8192}\.eyJ[\w-]{8,16384}\.[\w-]{0,4096}/g,
  },
  {
    kind: 'github-token',
    anchors: ['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_'],
    pattern: /gh[pousr]_[A-Za-z0-9]{36,255}/g,
    pick: unlessRepeated,
  },
  { kind: 'github-token', anchors: ['github_pat_'], pattern: /github_pat_[A-Za-z0-9_]{22,255}/g },
  { kind: 'slack-token', anchors: ['xox'], pattern: /xox[abcdeoprs](?:\.xox[bp])?-[A-Za-z0-9-]{10,255}/g },
  { kind: 'slack-token', anchors: ['xapp-'], pattern: /xapp-\d-[A-Za-z0-9-]{10,255}/g },
  {
    kind: 'slack-token',
    anchors: ['hooks.slack.com'],
    pattern: /(?:https?:\/\/)?hooks\.slack\.com\/(?:services|workflows|triggers)\/[A-Za-z0-9_/-]{20,255}/g,
  },
  {
    kind: 'aws-key',
    anchors: ['AKIA', 'ASIA', 'ABIA', 'ACCA'],
    pattern: /(?<![A-Za-z0-9])A(?:KIA|SIA|BIA|CCA)[A-Z0-9]{16}(?![A-Za-z0-9])/g,
    pick: unlessRepeated,
  },
  {
    kind: 'aws-key',
    anchors: ['AKIA', 'ASIA'],
    pattern: /A(?:KIA|SIA)[A-Z0-9]{16}["'\s,;:|/]{1,4}([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+])/g,
    pick: lastGroup,
  },
  {
    kind: 'aws-key',
    anchors: ['IQoJ', 'FwoG', 'FQoG'],
    pattern: /(?<![A-Za-z0-9+/])(?:IQoJ|FwoG|FQoG)[A-Za-z0-9+/]{60,4096}={0,2}/g,
  },
  {
    kind: 'api-key',
    anchors: PREFIXES,
    run: 16,
    pattern: API_KEYS,
    pick: unlessRepeated,
  },
  {
    kind: 'api-key',
    anchors: ['#:'],
    run: 35,
    pattern: /(?:(?<=\bbot)|(?<![\w:]))\d{8,10}:[A-Za-z0-9_-]{35}(?![\w-])/g,
  },
  {
    kind: 'api-key',
    anchors: [],
    run: 24,
    pattern: /(?<![\w.-])[MNO][\w-]{23,27}\.[\w-]{6}\.[\w-]{27,45}(?![\w.-])/g,
  },
];
