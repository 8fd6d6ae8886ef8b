import type { Json } from '#writ/contracts';
import { parseDatetime, parseDuration } from './datetime.js';
import { parseDecimal } from './decimal.js';
import { parseIp } from './ip-address.js';
import { EvaluationError, ExtensionValue } from './values.js';

export type ExtensionType = ExtensionValue['type'];

interface Reader {
  /** The same value as Cedar's constructor takes it; undefined where the text is not one. Throws EvaluationError. */
  readonly spell: (text: string) => string | undefined;
  /** Throws EvaluationError. */
  readonly parse: (text: string) => ExtensionValue;
}

const READERS: Readonly<Record<ExtensionType, Reader>> = {
  ipaddr: { spell: spellAddress, parse: parseIp },
  datetime: { spell: spellDatetime, parse: parseDatetime },
  decimal: { spell: spellDecimal, parse: parseDecimal },
  duration: { spell: (text) => text, parse: parseDuration },
};

/** No text of a value is longer, zeros in front aside. The caller of a tool chose it: it is measured before a pattern sees it. */
const CHARACTERS_MAX = 256;
const RFC3339 = /^(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,3})0*)?(?:[Zz]|([+-]\d\d):?(\d\d))$/;
const V4_INSIDE_OF_V6 = /^(.*:)(\d{1,3}(?:\.\d{1,3}){3})$/;
const DECIMAL = /^(-?\d+)(?:\.(\d{1,4})0*)?$/;
/**
 * Ranges of IPv6 that carry an IPv4 address, by their leading bits: mapped (`::ffff:0:0/96`), which sockets reach an IPv4 host by, and
 * what networks translate: SIIT (`::ffff:0:0:0/96`), NAT64 (`64:ff9b::/96`, `64:ff9b:1::/48`) and 6to4 (`2002::/16`).
 */
const CARRIES_V4: readonly (readonly [leading: bigint, bits: bigint])[] = [
  [0xffffn, 96n],
  [0xffff_0000n, 96n],
  [0x64_ff9bn << 64n, 96n],
  [0x64_ff9b_0001n, 48n],
  [0x2002n, 16n],
];

export function isExtensionType(name: Json | undefined): name is ExtensionType {
  return typeof name === 'string' && Object.hasOwn(READERS, name);
}

/**
 * The value that an argument of that type is: in Cedar's own spelling, or in one that the field uses and that has exactly one
 * value in Cedar (RFC 3339, RFC 4291, a JSON number as a decimal). Undefined for everything else; nothing is rounded or guessed.
 */
export function readTyped(type: ExtensionType, value: Json): ExtensionValue | undefined {
  const text = type === 'decimal' && typeof value === 'number' ? String(value) : value;
  if (typeof text !== 'string' || text.length > CHARACTERS_MAX) return undefined;
  const { spell, parse } = READERS[type];
  try {
    const spelt = spell(text);
    if (spelt === undefined) return undefined;
    const read = parse(spelt);
    return type === 'ipaddr' && carriesV4(read) ? undefined : read;
  } catch (thrown) {
    if (thrown instanceof EvaluationError) return undefined;
    throw thrown;
  }
}

/** A moment, from milliseconds since 1970; what is below a millisecond is cut off. */
export function datetimeOf(ms: number): ExtensionValue {
  return new ExtensionValue('datetime', BigInt(Math.floor(ms)));
}

/** RFC 3339, where the fraction ends at the millisecond. A leap second has no milliseconds since 1970: the parser refuses it. */
function spellDatetime(text: string): string {
  const [, date, time, fraction = '', hours, minutes] = RFC3339.exec(text) ?? [];
  if (date === undefined) return text;
  const offset = hours === undefined ? 'Z' : `${hours}${minutes}`;
  return `${date}T${time}.${fraction.padEnd(3, '0')}${offset}`;
}

/** One address. A range that contains a forbidden one lies in no forbidden range, so an argument is never a range. */
function spellAddress(text: string): string | undefined {
  if (text.includes('/')) return undefined;
  const [, before, inside] = V4_INSIDE_OF_V6.exec(text) ?? [];
  if (before === undefined || inside === undefined) return text;
  const { number } = parseIp(inside);
  return `${before}${(number >> 16n).toString(16)}:${(number & 0xffffn).toString(16)}`;
}

/** It is an IPv6 address in Cedar, and reaches an IPv4 host that no rule over IPv4 ranges would see. */
function carriesV4({ bits, number }: ExtensionValue): boolean {
  return bits === 128 && CARRIES_V4.some(([leading, length]) => number >> (128n - length) === leading);
}

function spellDecimal(text: string): string | undefined {
  const [, whole, fraction = '0'] = DECIMAL.exec(text) ?? [];
  return whole === undefined ? undefined : `${whole}.${fraction}`;
}
