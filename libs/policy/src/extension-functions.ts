import { durationIn, durationSince, offset, parseDatetime, parseDuration, toDate, toTime } from './datetime.js';
import { compareDecimals, parseDecimal } from './decimal.js';
import { isInRange, isIpOfBits, isLoopback, isMulticast, parseIp } from './ip-address.js';
import { asString, EvaluationError, type ExtensionValue, type Value } from './values.js';

/** A function or method of Cedar's extension types; a method's first argument is what it is called on. */
export interface ExtensionFunction {
  readonly arity: 1 | 2;
  /** Throws EvaluationError where Cedar's evaluator errors. */
  readonly call: (first: Value, second: Value) => Value;
}

const one = (call: (value: Value) => Value): ExtensionFunction => ({ arity: 1, call });
const two = (call: (first: Value, second: Value) => Value): ExtensionFunction => ({ arity: 2, call });

/** All of them but `unknown`, which stands for a value in partial evaluation and has none. */
export const EXTENSION_FUNCTIONS: ReadonlyMap<string, ExtensionFunction> = new Map([
  ['ip', one((text) => parseIp(asString(text)))],
  ['isIpv4', one((ip) => isIpOfBits(ip, 32))],
  ['isIpv6', one((ip) => isIpOfBits(ip, 128))],
  ['isLoopback', one(isLoopback)],
  ['isMulticast', one(isMulticast)],
  ['isInRange', two(isInRange)],
  ['decimal', one((text) => parseDecimal(asString(text)))],
  ['lessThan', two((left, right) => compareDecimals(left, right) < 0)],
  ['lessThanOrEqual', two((left, right) => compareDecimals(left, right) <= 0)],
  ['greaterThan', two((left, right) => compareDecimals(left, right) > 0)],
  ['greaterThanOrEqual', two((left, right) => compareDecimals(left, right) >= 0)],
  ['datetime', one((text) => parseDatetime(asString(text)))],
  ['offset', two(offset)],
  ['durationSince', two(durationSince)],
  ['toDate', one(toDate)],
  ['toTime', one(toTime)],
  ['duration', one((text) => parseDuration(asString(text)))],
  ['toMilliseconds', one((duration) => durationIn('millisecond', duration))],
  ['toSeconds', one((duration) => durationIn('second', duration))],
  ['toMinutes', one((duration) => durationIn('minute', duration))],
  ['toHours', one((duration) => durationIn('hour', duration))],
  ['toDays', one((duration) => durationIn('day', duration))],
]);

const WRONG_ARITY = new EvaluationError('wrong number of arguments provided to an extension function');

/** Calls with arguments that are already values. */
export function callExtension({ arity, call }: ExtensionFunction, values: readonly Value[]): Value {
  if (values.length !== arity) throw WRONG_ARITY;
  return call(values[0], values[1]);
}

/** The value as a person writes it. */
export function textOfExtension({ type, number, bits, prefix }: ExtensionValue): string {
  switch (type) {
    case 'ipaddr':
      return `${textOfAddress(number, bits)}${prefix === bits ? '' : `/${prefix}`}`;
    case 'decimal': {
      const digits = (number < 0n ? -number : number).toString().padStart(5, '0');
      return `${number < 0n ? '-' : ''}${digits.slice(0, -4)}.${digits.slice(-4)}`;
    }
    case 'datetime': {
      const date = new Date(Number(number));
      return Number.isNaN(date.getTime()) ? `${number}ms since 1970` : date.toISOString();
    }
    case 'duration':
      return `${number}ms`;
  }
}

function textOfAddress(number: bigint, bits: number): string {
  const hex = number.toString(16).padStart(bits / 4, '0');
  const parts = hex.match(bits === 32 ? /../g : /..../g) ?? [];
  const numbers = parts.map((part) => Number.parseInt(part, 16));
  return bits === 32 ? numbers.join('.') : numbers.map((part) => part.toString(16)).join(':');
}
