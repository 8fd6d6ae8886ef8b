import type { Json } from '#writ/contracts';
import { JsonTable, readJsonTable } from './json-table.js';

describe('JsonTable', () => {
  const throughText = (table: JsonTable) => {
    const { shapes, rows } = table;
    return readJsonTable(JSON.parse(JSON.stringify({ shapes, rows })) as JsonTable);
  };

  it.each([
    ['nothing', {}],
    ['an empty list', []],
    ['every kind of value', { text: 'a', number: -1.5, yes: true, none: null, list: [1, '1', [1], { a: [] }] }],
    ['numbers that look like rows', { a: { b: 0 }, c: 0, d: [0, [0]], e: -1 }],
    ['text with quotes and line ends', ['"', '\\', '\n', '[0]', 'é', '\ud800']],
    ['a member named like the prototype', JSON.parse('{"__proto__":{"a":1},"constructor":2}') as object],
  ])('gives back %s', (_case, value) => {
    const table = new JsonTable();
    const id = table.idOf(value);
    const read = throughText(table)[id];
    expect(JSON.stringify(read)).toBe(JSON.stringify(value));
    expect(Object.getPrototypeOf(read)).toBe(Object.getPrototypeOf(value));
  });

  it('gives equal values one number and one object, and others another', () => {
    const table = new JsonTable();
    const values: readonly (object & Json)[] = [
      { a: [1] },
      { a: [1] },
      { a: ['1'] },
      { a: [[1]] },
      { b: [1] },
      { a: 1 },
      [1],
      { 0: 1 },
    ];
    const ids = values.map((value) => table.idOf(value));
    expect(ids[1]).toBe(ids[0]);
    expect(new Set(ids).size).toBe(values.length - 1);
    const whole = table.idOf([{ x: { a: [1] } }, { y: { a: [1] } }]);
    const [left, right] = throughText(table)[whole] as readonly [{ x: object }, { y: object }];
    expect(left.x).toBe(right.y);
  });

  it.each([
    ['a row behind it', { shapes: [['a']], rows: [[0, 1]] }],
    ['itself', { shapes: [['a']], rows: [[0, 0]] }],
    ['a member that is not there', { shapes: [['a', 'b']], rows: [[0, 'x']] }],
  ])('refuses a row that names %s', (_case, table) => {
    expect(() => readJsonTable(table as unknown as JsonTable)).toThrow(TypeError);
  });
});
