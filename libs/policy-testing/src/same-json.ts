import { canonicalJson, type Json } from '#writ/contracts';

/** Whether two values are the same JSON. Optional members that were left out may be present as undefined, which JSON drops. */
export function isSameJson(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false;
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const members = other as Readonly<Record<string, unknown>>;
  for (const [name, value] of Object.entries(one)) {
    if (value !== undefined && !(Object.hasOwn(members, name) && isSameJson(value, members[name]))) return false;
  }
  return sizeOf(one) === sizeOf(other);
}

function sizeOf(value: object): number {
  let size = 0;
  for (const member of Object.values(value)) if (member !== undefined) size += 1;
  return size;
}

/** The canonical JSON of those of `items` that are not among `others`, in one order. */
export function missingFrom(items: readonly unknown[], others: readonly unknown[]): readonly string[] {
  const known = new Set(others.map(textOf));
  return items
    .map(textOf)
    .filter((text) => !known.has(text))
    .toSorted();
}

function textOf(value: unknown): string {
  return canonicalJson(JSON.parse(JSON.stringify(value)) as Json);
}
