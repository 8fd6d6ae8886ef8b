import type { Json, JsonObject } from '#writ/contracts';

/** How an output that is too large is cut instead of being a failure. */
export interface CutTerms {
  /** As JSON. Absent: it fits. */
  readonly bytesMax?: number;
  /** Whether the service had more to say than the output has. */
  readonly hasMore: boolean;
}

interface CutOutput {
  readonly output: Json;
  readonly isCut: boolean;
}

/**
 * The output as it is where it fits, or else `{ cut, note }`: what stands first in it and fits, whole members and elements and at the end
 * a part of a text, and a sentence that says how much that is. It is not of the shape of the output, so that nobody takes it for whole.
 */
export function cutOutput(output: Json, { bytesMax = Infinity, hasMore }: CutTerms): CutOutput {
  const bytes = sizeOf(output);
  if (bytes <= bytesMax) return { output, isCut: hasMore };
  const cut = prefixOf(output, bytesMax)?.value ?? null;
  const all = hasMore ? `more than ${bytes}` : String(bytes);
  return { output: { cut, note: `cut: the first ${sizeOf(cut)} of ${all} bytes` }, isCut: true };
}

/** The first part of a value; undefined when nothing of it fits. */
interface Prefix {
  readonly value: Json;
  readonly bytes: number;
  readonly isWhole: boolean;
}

function prefixOf(value: Json, bytesMax: number): Prefix | undefined {
  if (typeof value === 'string') return prefixOfText(value, bytesMax);
  if (Array.isArray(value)) return prefixOfList(value as readonly Json[], bytesMax);
  if (typeof value === 'object' && value !== null) return prefixOfObject(value as JsonObject, bytesMax);
  const bytes = sizeOf(value);
  return bytes <= bytesMax ? { value, bytes, isWhole: true } : undefined;
}

function prefixOfText(text: string, bytesMax: number): Prefix | undefined {
  const whole = sizeOf(text);
  if (whole <= bytesMax) return { value: text, bytes: whole, isWhole: true };
  if (bytesMax < 2) return undefined;
  let [fits, tooMany] = [0, Math.min(text.length, bytesMax)];
  while (tooMany - fits > 1) {
    const middle = Math.floor((fits + tooMany) / 2);
    if (sizeOf(startOf(text, middle)) <= bytesMax) fits = middle;
    else tooMany = middle;
  }
  const kept = startOf(text, fits);
  return { value: kept, bytes: sizeOf(kept), isWhole: false };
}

/** Half of a surrogate pair is no character. */
function startOf(text: string, length: number): string {
  return text.slice(0, length).replace(/[\ud800-\udbff]$/, '');
}

function prefixOfList(list: readonly Json[], bytesMax: number): Prefix | undefined {
  const kept: Json[] = [];
  let bytes = 2;
  if (bytes > bytesMax) return undefined;
  for (const element of list) {
    const comma = kept.length === 0 ? 0 : 1;
    const prefix = prefixOf(element, bytesMax - bytes - comma);
    if (prefix === undefined) return { value: kept, bytes, isWhole: false };
    kept.push(prefix.value);
    bytes += prefix.bytes + comma;
    if (!prefix.isWhole) return { value: kept, bytes, isWhole: false };
  }
  return { value: kept, bytes, isWhole: true };
}

function prefixOfObject(object: JsonObject, bytesMax: number): Prefix | undefined {
  const kept: [string, Json][] = [];
  let bytes = 2;
  if (bytes > bytesMax) return undefined;
  const made = (isWhole: boolean): Prefix => ({ value: Object.fromEntries(kept), bytes, isWhole });
  for (const [name, member] of Object.entries(object)) {
    const frame = sizeOf(name) + (kept.length === 0 ? 1 : 2);
    const prefix = prefixOf(member, bytesMax - bytes - frame);
    if (prefix === undefined) return made(false);
    kept.push([name, prefix.value]);
    bytes += prefix.bytes + frame;
    if (!prefix.isWhole) return made(false);
  }
  return made(true);
}

function sizeOf(value: Json): number {
  return Buffer.byteLength(JSON.stringify(value));
}
