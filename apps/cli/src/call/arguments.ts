import { type JsonObject, parseStrictJson } from '#writ/contracts';
import { messageOf } from '#writ/faults';
import { readFileSync } from 'node:fs';
import { UsageError } from '../failure.js';

/** Arguments as they were typed, or from standard input when they are `-`: a JSON object, read as strictly as on the bus. */
export function parseJsonObject(text: string, what: string): JsonObject {
  const source = text === '-' ? readFileSync(0) : Buffer.from(text);
  let value: unknown;
  try {
    value = parseStrictJson(source);
  } catch (error) {
    throw new UsageError(`${what}: ${messageOf(error)}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new UsageError(`${what}: must be a JSON object such as {"text":"hello"}`);
  }
  return value as JsonObject;
}

/** `NAME: VALUE` or `NAME:VALUE`, as often as it is given. */
export function parseHeaders(lines: readonly string[]): Readonly<Record<string, string>> {
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).trim().toLowerCase();
    if (colon < 1 || name === '') throw new UsageError(`the header \`${line}\` is not \`NAME: VALUE\``);
    if (headers.has(name)) throw new UsageError(`the header \`${name}\` is given twice`);
    headers.set(name, line.slice(colon + 1).trim());
  }
  return Object.fromEntries(headers);
}
