import { assigned, lastGroup, type OwnRule } from './rule.js';
import type { Range } from './validators.js';

const key = (match: RegExpExecArray): Range | undefined =>
  /[0-9]/.test(match.at(-1) ?? '') ? assigned(match) : undefined;

/** Whether so many different characters stand in a text of ASCII. */
function hasDifferent(text: string, count: number): boolean {
  const seen = [0, 0, 0, 0];
  let different = 0;
  for (let at = 0; at < text.length && different < count; at++) {
    const code = text.charCodeAt(at);
    const word = seen[code >> 5] ?? 0;
    const bit = 1 << (code & 31);
    if ((word & bit) !== 0) continue;
    seen[code >> 5] = word | bit;
    different++;
  }
  return different >= count;
}

const WORDS = /^[A-Za-z]{1,40}(?:[-_/][A-Za-z]{1,40}){0,20}[-_]?\d{0,4}$/;

/** In running text whatever names a key may stand before the sign: what follows has to look as if nobody had chosen it. */
const random = (match: RegExpExecArray): Range | undefined => {
  const value = match.at(-1) ?? '';
  const isMixed = hasDifferent(value, 8) && /\d/.test(value) && /[A-Za-z]/.test(value);
  return !isMixed || WORDS.test(value) ? undefined : key(match);
};

/** Near a word that names a key, and not assigned to it: letters of both cases and digits without an order. */
const mixed = (match: RegExpExecArray): Range | undefined => {
  const value = match.at(-1) ?? '';
  const isMixed = /[a-z]/.test(value) && /[A-Z]/.test(value) && /\d/.test(value) && hasDifferent(value, 16);
  return isMixed ? random(match) : undefined;
};

/** Keys that a word beside them names. */
export const ASSIGNED_RULES: readonly OwnRule[] = [
  {
    kind: 'aws-key',
    anchors: ['secret'],
    run: 40,
    pattern: /secret[ _-]?(?:access[ _-]?)?key(?:["'\s:=>,]|\bis\b){1,6}([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+])/gi,
    pick: lastGroup,
  },
  {
    kind: 'api-key',
    anchors: ['key', 'token', 'secret'],
    digits: 1,
    pattern:
      /(?:(?:api|app|application|account|user|license|signing|encryption|secret|sharedaccess)[ _-]?key|[ _-]token(?<!(?:page|next|cursor|continuation|sync)[ _-]token)|token(?<!(?:page|next|cursor|continuation|sync)token)|client[ _-]?secret)["']?\s{0,4}(?:[:=]{1,2}|\bis\b)\s{0,4}["']?([A-Za-z0-9_./+=-]{16,4096})/gi,
    pick: key,
  },
  {
    kind: 'api-key',
    anchors: ['key', 'token', 'secret'],
    run: 20,
    digits: 1,
    pattern:
      /(?:key|token|secret)(?<!(?:public|primary|foreign|partition|sort|cache|idempotency|row|object|lookup|dedup|hash|unique|page|next|cursor|sync)[_-]?(?:key|token|secret))(?![a-z0-9])["']?(?:\s{0,2}[:=]{1,2}\s{0,4}|(?<=[A-Z_]{4,40})\s)["']?([A-Za-z0-9_/+=-]{20,4096})/gi,
    pick: random,
  },
  {
    kind: 'api-key',
    anchors: ['api', 'cred', 'token', 'secret', 'key'],
    run: 32,
    digits: 1,
    isMixed: true,
    pattern:
      /(?:\bapi|creds?\b|credentials?|token(?<!(?:page|next|cursor|sync)token)|secret|[ _-]key(?<!(?:public|primary|cache|partition)[ _-]key))[^\n]{0,24}?(?<![\w/+=.-])([A-Za-z0-9_-]{32,128})(?![\w/+=.-])/gi,
    pick: mixed,
  },
  {
    kind: 'api-key',
    anchors: ['value', 'val'].flatMap((word) => [`${word}"`, `${word}'`]).concat(`"v"`, `"v'`, `'v"`, `'v'`),
    digits: 1,
    pattern:
      /(?:api[_-]?key|token|authorization)["']\s{0,2},\s{0,2}["'](?:value|val|v)["']\s{0,2}:\s{0,2}["']([^"'\s]{16,4096})/gi,
    pick: key,
  },
  {
    kind: 'api-key',
    anchors: ['sig='],
    digits: 1,
    pattern: /[?&;]sig=([A-Za-z0-9%/+_-]{20,255}=?)/gi,
    pick: key,
  },
  {
    kind: 'api-key',
    anchors: ['bearer', 'basic', 'ssws'],
    digits: 1,
    pattern: /\b(?:bearer|basic|ssws)(?:\s|%20){1,4}([A-Za-z0-9._~+/=-]{16,2048})/gi,
    pick: key,
  },
];
