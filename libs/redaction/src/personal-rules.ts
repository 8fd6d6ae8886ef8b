import { before, lastGroup, type OwnRule, prefixOf, whole } from './rule.js';
import { cardLength, IBAN_COUNTRIES, ibanLength, isIpv6, isSsn, type Range } from './validators.js';

/** Four numbers of a version. Between the word and them may stand the version before. */
const VERSION_BEFORE =
  /(?:\bv|(?:version|release|firmware|software|upgrad|downgrad|bump|build|bios|driver|kernel|lib|sdk|runtime|assembly|dll|plugin|package|patch|attribute|extension|oid|section|chapter|clause|figure|article|paragraph|requirement|appendix)[a-z]{0,12}\b[^\n:]{0,32})[\s:=.#]{0,4}$/i;
/** One version becomes another one. */
const VERSION_AFTER = /^[\d.]{7,15}\s{0,2}(?:->|=>|\u2192|to|nach|auf)\s{0,2}v?\d{1,4}\.\d/i;
const HOST_BEFORE =
  /\b(?:(?:ip|addr|address|host|server|client|listen|listening|peer|gateway|subnet|dns|on|at)\b[^\n]{0,24}|(?:from|by|via|source|src|dst|dest|remote|allow|deny|block|blocked|route|ping|ssh|curl)\s{0,2}[:=]?\s{0,2})$/i;

/** Masks of networks, and what no machine has: they say nothing of anybody. */
const NOBODY = /^(?:0\.|255\.(?:255|254|252|248|240|224|192|128|0)\.)/;
/** Numbers as small as these are counted by people, unless a port or a prefix follows, or they are of a private network. */
const COUNTED = /^(?!10\.|(\d{1,2})\.\1\.\1\.\1$)(?:1?\d\.){3}1?\d$/;

const address = (match: RegExpExecArray, text: string): Range | undefined => {
  const [found] = match;
  const end = match.index + found.length;
  if (NOBODY.test(found) || VERSION_AFTER.test(text.slice(match.index, end + 24))) return undefined;
  const context = before(match, text, 48);
  const hasPort = /^[:/]\d/.test(text.slice(end, end + 2));
  if (hasPort || HOST_BEFORE.test(context)) return whole(match);
  return COUNTED.test(found) || VERSION_BEFORE.test(context) ? undefined : whole(match);
};

/** Files and units of a system with a sign in their names: pictures in double size, versions of packages, instances of services. */
const FILE =
  /^@(?:[\d.]{1,16}x?\.|.{1,100}\.(?:service|socket|target|timer|mount|slice|png|jpe?g|gif|webp|svg|js|ts|css|json|ya?ml|toml|lock|rb|php|sql|log|txt|conf|cfg|ini|tgz|gz|tar|whl|deb|rpm|dll|exe)$)/i;

/** The user that everybody is to a server of repositories. */
function isRepository(local: string, { 0: domain, index }: RegExpExecArray, text: string): boolean {
  const isPath = text.charAt(index + domain.length) === ':';
  return /^(?:git|hg)$/.test(local) || (isPath && /^@(?:github|gitlab|bitbucket|codeberg)\./.test(domain));
}

const LOCAL_MAX = 64;

/** What a text ends with, as far as it may stand before the sign; undefined when that is nothing. */
function localPart(text: string): string | undefined {
  let start = text.length;
  while (start > 0 && /[A-Za-z0-9._+'-]/.test(text.charAt(start - 1))) start--;
  // Letters of other alphabets are asked for only where one stands, for that takes far longer.
  if (start > 0 && text.charAt(start - 1) > '\u007f') return /[\p{L}\p{N}._+'-]{1,64}$/u.exec(text)?.[0];
  return start === text.length ? undefined : text.slice(start);
}

/** The pattern finds the sign and the domain; the part before it is looked for backwards, so that no long word is tried twice. */
const email = (match: RegExpExecArray, text: string): Range | undefined => {
  const local = localPart(text.slice(Math.max(0, match.index - LOCAL_MAX), match.index));
  const isDomain = /\.(?:\p{L}{2,24}|xn--[a-z0-9-]{1,59})$/iu.test(match[0]);
  const isNone = FILE.test(match[0]) || isRepository(local ?? '', match, text);
  return local !== undefined && isDomain && !isNone ? [match.index - local.length, whole(match)[1]] : undefined;
};

const PART_BEFORE =
  /\b(?:sku|part|order|item|ref|reference|invoice|ticket|batch|serial|lot|model|kit|catalog|cat|article|art|product|size|ext|room|unit|code|form|case|route|gate|shelf|bin|po)\b[\s#:.no]{0,6}$/i;
const socialSecurity = (match: RegExpExecArray, text: string): Range | undefined => {
  const isOne = isSsn(match[1] ?? '', match[3] ?? '', match[4] ?? '');
  return isOne && !PART_BEFORE.test(before(match, text, 20)) ? whole(match) : undefined;
};

/** The digits of an IBAN whose own check failed are none of a card. */
const card = (match: RegExpExecArray, text: string): Range | undefined =>
  /\b[A-Z]{2}\d{2} ?$/.test(before(match, text, 5)) ? undefined : prefixOf(match, cardLength(match[0]));

/** Numbers of people and machines. */
export const NUMBER_RULES: readonly OwnRule[] = [
  {
    kind: 'iban',
    anchors: IBAN_COUNTRIES.map((country) => `${country}##`),
    pattern: /(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}/gi,
    pick: (match) => prefixOf(match, ibanLength(match[0])),
  },
  {
    kind: 'card',
    anchors: [],
    digits: 13,
    pattern: /(?<![\d.])[2-6](?:[ -]?\d){12,18}(?!\d)/g,
    pick: card,
  },
  {
    kind: 'ssn',
    anchors: ['###-##-####', '### ## ####'],
    pattern: /(?<![\w-])(\d{3})([- ])(\d{2})\2(\d{4})(?![\w-])/g,
    pick: socialSecurity,
  },
  {
    kind: 'ssn',
    anchors: ['ssn', 'social security'],
    digits: 9,
    pattern: /(?:ssn|social security(?: number| no)?)["'\s:=#.]{0,6}(?:is )?(\d{9})(?!\d)/gi,
    pick: lastGroup,
  },
  {
    kind: 'ipv4',
    anchors: ['.#.', '.##.', '.###.'],
    digits: 4,
    pattern:
      /(?<![\w.-])(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}(?!\.?\d|[A-Za-z_]|-[A-Za-z])/g,
    pick: address,
  },
  {
    kind: 'ipv6',
    anchors: [':'],
    gate: /::|(?::[0-9a-f]{1,4}){4}/i,
    pattern: /(?<![\w:.])[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,8}(?:\.\d{1,3}){0,3}(?![\w:])/gi,
    pick: (match) => (isIpv6(match[0]) ? whole(match) : undefined),
  },
  {
    kind: 'phone',
    anchors: ['+#'],
    digits: 8,
    pattern: /(?<![\w+])\+\d(?:[ ().-]{0,2}\d){7,14}(?!\d)/g,
  },
  {
    kind: 'phone',
    anchors: ['### ####', '###.####', '###-####'],
    digits: 10,
    pattern: /(?<![\w.+-])(?:1[ .-])?(?:\([2-9]\d{2}\) ?|[2-9]\d{2}[ .-])[2-9]\d{2}[ .-]\d{4}(?![\w-])/g,
  },
  {
    kind: 'phone',
    anchors: ['#', '#)'].flatMap((end) => [`${end} ###`, `${end}/###`, `${end}-###`]),
    digits: 8,
    pattern: /(?<![\w.+-]|\d )(?:\(0\d{1,4}\)|0\d{1,4})[ /-]\d{3,4}[ -]?\d{3,4}(?![\w-])/g,
  },
  {
    kind: 'phone',
    anchors: ['## ## ##', '##.##.##', '## ##.##', '##.## ##'],
    digits: 10,
    pattern: /(?<![\w.+-]|\d )0[1-9](?:[ .]\d{2}){4}(?![\w-]|[ .]\d)/g,
  },
  {
    kind: 'phone',
    anchors: [
      'tel',
      't\u00e9l',
      'phone',
      'mobile',
      'm\u00f3vil',
      'handy',
      'cel',
      'call',
      'fax',
      'sms',
      'whatsapp',
      '\u96fb\u8a71',
    ],
    digits: 7,
    pattern:
      /(?:\b(?:tel|telephone|telefono|telefon|phone|mobile|handy|cell|celular|call|fax|sms|whatsapp)|t\u00e9l(?:\u00e9phone)?|tel\u00e9fono|m\u00f3vil|\u96fb\u8a71)(?: number| no| me at| us at| at| is| es| est| ist)?["'\s:=.#\uff1a]{1,6}(\d(?:[ ().-]{0,2}\d){6,14})(?![\d-])/gi,
    pick: lastGroup,
  },
];

/** Addresses of mail. */
export const EMAIL_RULES: readonly OwnRule[] = [
  {
    kind: 'email',
    anchors: ['@', '%40'],
    pattern: /(?:@|%40)[\p{L}\p{N}-]{1,63}(?:\.[\p{L}\p{N}-]{1,63}){1,8}/gu,
    pick: email,
  },
];
