import { canonicalJson, type Json } from '#writ/contracts';

/** Whether two values are the same JSON. Optional members that were left out may be present as undefined, which JSON drops. */
export function isSameJson(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false;
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const [left, right] = [entriesOf(one), entriesOf(other)];
  const members = new Map(right);
  return left.length === right.length && left.every(([name, value]) => isSameJson(value, members.get(name)));
}

function entriesOf(value: object): readonly (readonly [string, unknown])[] {
  return Object.entries(value).filter(([, member]) => member !== undefined);
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
