import type { Json } from '#writ/contracts';

/** A number stands for the row of that index; a number of the value itself is the only element of a list. */
type Cell = string | number | boolean | null | readonly [number];
/** The index of a list of member names and the members, or LIST and the elements. */
type Row = readonly [shape: number, ...cells: Cell[]];

/** JSON values as a table in which every distinct object and list stands once, after all that it holds. */
export interface TabledJson {
  readonly shapes: readonly (readonly string[])[];
  readonly rows: readonly Row[];
}

const LIST = -1;

/**
 * Numbers objects and lists by what they hold: equal ones have one number, in the order in which they were first seen. The
 * order of members counts. The policies of a large set say the same things again and again; what they share is kept once.
 */
export class JsonTable implements TabledJson {
  readonly shapes: (readonly string[])[] = [];
  readonly rows: Row[] = [];
  readonly #idByKey = new Map<string, number>();
  readonly #shapeByKey = new Map<string, number>();

  /** The number of an object or a list: what `readJsonTable` gives back at that index. */
  idOf(value: object & Json): number {
    const row: Row = Array.isArray(value)
      ? [LIST, ...value.map((element: Json) => this.#cellOf(element))]
      : [this.#shapeOf(Object.keys(value)), ...Object.values(value).map((member: Json) => this.#cellOf(member))];
    // Texts are quoted in it, so that no two rows have the same key.
    const key = JSON.stringify(row);
    let id = this.#idByKey.get(key);
    if (id === undefined) this.#idByKey.set(key, (id = this.rows.push(row) - 1));
    return id;
  }

  #cellOf(value: Json): Cell {
    if (typeof value === 'number') return [value];
    return typeof value === 'object' && value !== null ? this.idOf(value) : value;
  }

  #shapeOf(names: readonly string[]): number {
    const key = JSON.stringify(names);
    let shape = this.#shapeByKey.get(key);
    if (shape === undefined) this.#shapeByKey.set(key, (shape = this.shapes.push(names) - 1));
    return shape;
  }
}

/** The objects and lists of a table by their number: what was equal is one object. Throws TypeError when it is no table. */
export function readJsonTable({ shapes, rows }: TabledJson): readonly (object & Json)[] {
  const values: (object & Json)[] = [];
  const read = (cell: Cell | undefined): Json => {
    if (typeof cell === 'object' && cell !== null) return cell[0];
    const value = typeof cell === 'number' ? values[cell] : cell;
    if (value === undefined) throw new TypeError('a row holds nothing, or a row that comes after it');
    return value;
  };
  for (const row of rows) {
    const names = shapes[row[0]];
    values.push(names === undefined ? row.slice(1).map((cell) => read(cell)) : readMembers(names, row, read));
  }
  return values;
}

function readMembers(names: readonly string[], row: Row, read: (cell: Cell | undefined) => Json): object & Json {
  // Set by assignment it would be the prototype of the object, and no member.
  if (names.includes('__proto__')) return Object.fromEntries(names.map((name, at) => [name, read(row[at + 1])]));
  const members: Record<string, Json> = {};
  let at = 0;
  for (const name of names) members[name] = read(row[++at]);
  return members;
}
