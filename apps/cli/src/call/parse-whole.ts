import { UsageError } from '../failure.js';

/** A whole number from `min` to `max`. */
export function parseWhole(text: string, what: string, range: { readonly min: number; readonly max: number }): number {
  const value = Number(text);
  if (/^[0-9]+$/.test(text) && value >= range.min && value <= range.max) return value;
  throw new UsageError(`${what} must be a whole number from ${range.min} to ${range.max}`);
}
