import ipaddr from 'ipaddr.js';

/** A part of a text: from `start` up to, and without, `end`. */
export type Range = readonly [start: number, end: number];

/** Check digit of a payment card number (ISO/IEC 7812-1, annex B). */
export function hasLuhnDigit(digits: string): boolean {
  let sum = 0;
  for (let index = 0; index < digits.length; index++) {
    const digit = digits.charCodeAt(digits.length - 1 - index) - 48;
    const doubled = index % 2 === 0 ? digit : digit * 2;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}

/** Check digits of an IBAN (ISO 7064, mod 97-10). The text is without blanks and in capitals. */
export function hasIbanDigits(iban: string): boolean {
  let remainder = 0;
  for (const character of iban.slice(4) + iban.slice(0, 4)) {
    for (const digit of String(Number.parseInt(character, 36))) remainder = (remainder * 10 + Number(digit)) % 97;
  }
  return remainder === 1;
}

/** Length of the IBANs of a country (SWIFT registry). */
const IBAN_LENGTHS: ReadonlyMap<string, number> = new Map(
  (
    'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 ' +
    'FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 ' +
    'LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 ' +
    'SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30'
  )
    .split(' ')
    .map((row) => [row.slice(0, 2), Number(row.slice(2))]),
);

/** The countries that have IBANs, as these begin. */
export const IBAN_COUNTRIES: readonly string[] = [...IBAN_LENGTHS.keys()];

/** The IBAN at the beginning of a text, which may go on after it. */
export function ibanLength(text: string): number | undefined {
  const length = IBAN_LENGTHS.get(text.slice(0, 2).toUpperCase());
  if (length === undefined) return undefined;
  let compact = '';
  let end = 0;
  for (; end < text.length && compact.length < length; end++) {
    if (text[end] !== ' ') compact += text[end];
  }
  const isWhole = compact.length === length && !/[A-Za-z0-9]/.test(text[end] ?? ' ');
  return isWhole && hasIbanDigits(compact.toUpperCase()) ? end : undefined;
}

/** The card number at the beginning of digits in groups: the longest of 13 to 19 digits that ends with a group. */
export function cardLength(text: string): number | undefined {
  const digits = text.replaceAll(/[ -]/g, '');
  let count = 0;
  let found: number | undefined;
  for (let end = 1; end <= text.length; end++) {
    const character = text[end - 1] ?? '';
    if (character < '0' || character > '9') continue;
    count++;
    const isGroupEnd = !/[0-9]/.test(text[end] ?? ' ');
    if (isGroupEnd && count >= 13 && isCard(digits.slice(0, count))) found = end;
  }
  return found;
}

/** By the prefixes of the networks: Visa, Mastercard, American Express, Diners, Discover, JCB, UnionPay, Maestro. */
function isCard(digits: string): boolean {
  return hasLuhnDigit(digits) && /^(?:4|5[0-8]|2[2-7]|3[04-9]|6)/.test(digits) && !/^(\d)\1+$/.test(digits);
}

/** Whether the three parts can be a US social security number: no part is zero, and the area is neither 666 nor 9xx. */
export function isSsn(area: string, group: string, serial: string): boolean {
  return area !== '000' && area !== '666' && !area.startsWith('9') && group !== '00' && serial !== '0000';
}

/** Whether a text is an IPv6 address (RFC 4291) and not a name of two words that colons part, such as `a::b`. */
export function isIpv6(text: string): boolean {
  // Most are times and names, which the parser would be long to refuse.
  const mayBe = text.includes('::') || text.split(':').length > 6;
  return mayBe && ipaddr.IPv6.isValid(text) && /\d/.test(text) && text !== '::';
}
