import { checkedInt64, EvaluationError, ExtensionValue, textToRead, type Value } from './values.js';

const NOT_A_DECIMAL = new EvaluationError('`decimal` of text that is not a decimal with one to four fraction digits');
const EXPECTED_DECIMAL = new EvaluationError('type error: expected decimal');

const DECIMAL_CHARACTERS_MAX = 64;
const DECIMAL = /^(-?)0*(\d{1,15})\.(\d{1,4})$/;

/**
 * Cedar's `decimal`: one to four digits after the point, 64 bits of ten-thousandths. Stricter than Cedar: an error beyond 64
 * characters, which only zeros in front can fill.
 */
export function parseDecimal(text: string): ExtensionValue {
  const [, sign, whole, fraction = ''] = DECIMAL.exec(textToRead(text, DECIMAL_CHARACTERS_MAX)) ?? [];
  if (whole === undefined) throw NOT_A_DECIMAL;
  const number = checkedInt64(BigInt(`${sign}${whole}${fraction.padEnd(4, '0')}`));
  return new ExtensionValue('decimal', number);
}

/** Negative, zero or positive as the left one is less, equal or more. */
export function compareDecimals(left: Value, right: Value): number {
  const a = asDecimal(left);
  const b = asDecimal(right);
  return a < b ? -1 : a > b ? 1 : 0;
}

function asDecimal(value: Value): bigint {
  if (value instanceof ExtensionValue && value.type === 'decimal') return value.number;
  throw EXPECTED_DECIMAL;
}
