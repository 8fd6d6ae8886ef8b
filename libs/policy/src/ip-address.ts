import { EvaluationError, ExtensionValue, textToRead, type Value } from './values.js';

const NOT_AN_ADDRESS = new EvaluationError('`ip` of text that is not an address or a range');
const EXPECTED_ADDRESS = new EvaluationError('type error: expected ipaddr');

const ADDRESS_CHARACTERS_MAX = 64;

const V4 = /^(?:(?:0|[1-9]\d{0,2})(?:\.|$)){4}$(?<!\.)/;
const V6_GROUP = /^[\da-fA-F]{1,4}$/;
const PREFIX = /^(?:0|[1-9]\d{0,2})$/;

/** Cedar's `ip`: IPv4 or IPv6, alone or with a prefix length. IPv4 inside of IPv6 (`::ffff:1.2.3.4`) is not accepted. */
export function parseIp(text: string): ExtensionValue {
  const slash = textToRead(text, ADDRESS_CHARACTERS_MAX).indexOf('/');
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash));
  if (address === undefined) throw NOT_AN_ADDRESS;
  const { bits, number } = address;
  if (slash < 0) return new ExtensionValue('ipaddr', number, bits, bits);
  const prefix = text.slice(slash + 1);
  if (!PREFIX.test(prefix) || Number(prefix) > bits) throw NOT_AN_ADDRESS;
  return new ExtensionValue('ipaddr', number, bits, Number(prefix));
}

export function isIpOfBits(value: Value, bits: number): boolean {
  return asIp(value).bits === bits;
}

/** Whether the whole range is 127.0.0.0/8 or a part of it, or is ::1. */
export function isLoopback(value: Value): boolean {
  const { number, bits, prefix } = asIp(value);
  return bits === 32 ? prefix >= 8 && number >> 24n === 127n : prefix === 128 && number === 1n;
}

/** Whether the whole range is 224.0.0.0/4 or ff00::/8, or a part of it. */
export function isMulticast(value: Value): boolean {
  const { number, bits, prefix } = asIp(value);
  return bits === 32 ? prefix >= 4 && number >> 28n === 14n : prefix >= 8 && number >> 120n === 255n;
}

/** Whether every address of the one range is in the other. Ranges of different versions have none in common. */
export function isInRange(value: Value, target: Value): boolean {
  const inner = asIp(value);
  const outer = asIp(target);
  if (inner.bits !== outer.bits || inner.prefix < outer.prefix) return false;
  const hostBits = BigInt(outer.bits - outer.prefix);
  return inner.number >> hostBits === outer.number >> hostBits;
}

function asIp(value: Value): ExtensionValue {
  if (value instanceof ExtensionValue && value.type === 'ipaddr') return value;
  throw EXPECTED_ADDRESS;
}

function parseAddress(text: string): { readonly bits: 32 | 128; readonly number: bigint } | undefined {
  if (text.includes(':')) return parseV6(text);
  const octets = V4.test(text) ? text.split('.').map(Number) : [];
  if (octets.length === 0 || octets.some((octet) => octet > 255)) return undefined;
  return { bits: 32, number: octets.reduce((number, octet) => (number << 8n) | BigInt(octet), 0n) };
}

function parseV6(text: string): { readonly bits: 128; readonly number: bigint } | undefined {
  const [before = [], after, ...more] = text.split('::').map((half) => (half === '' ? [] : half.split(':')));
  const missing = 8 - before.length - (after ?? []).length;
  if (more.length > 0 || (after === undefined ? missing !== 0 : missing < 1)) return undefined;
  const groups = [...before, ...Array.from({ length: missing }, () => '0'), ...(after ?? [])];
  if (!groups.every((group) => V6_GROUP.test(group))) return undefined;
  return { bits: 128, number: BigInt(`0x${groups.map((group) => group.padStart(4, '0')).join('')}`) };
}
