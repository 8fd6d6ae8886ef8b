import { hasAll, hasAny, hasElement, isEqual } from './equality.js';
import { datetimeOf } from './typed-text.js';
import { CedarSet, EntityRef, type Value } from './values.js';

const alice = (): Value => new EntityRef('Agent', 'alice', false);

describe('isEqual', () => {
  it.each<[Value, Value]>([
    [
      [[1, 2], [3]],
      [[3], [2, 1, 2]],
    ],
    [[{ a: 1, b: ['x', 'y'] }], [{ b: ['y', 'x'], a: 1 }]],
    [[[[]]], [[[]], [[]]]],
    [[[alice()]], [new CedarSet([alice()])]],
    [[{}], new CedarSet([{}])],
    [[[-0]], [[0]]],
  ])('takes %j and %j for one value', (a, b) => {
    expect(isEqual(a, b)).toBe(true);
    expect(isEqual(b, a)).toBe(true);
    expect(hasElement([a], b)).toBe(true);
  });

  it.each<[Value, Value]>([
    [[['a', 'b']], [['a,b']]],
    [[['a', 'b']], [['a","b']]],
    [[['1']], [[1]]],
    [[['true']], [[true]]],
    [[[]], [{}]],
    [[{ a: 1 }], [['a:1']]],
    [[{ a: 1 }], [{ a: 1, b: 2 }]],
    [[{ a: 1, b: 2 }], [{ a: 2, b: 1 }]],
    [[[alice()]], [['Agent::"alice"']]],
    [[['x']], ['x']],
  ])('tells %j from %j', (a, b) => {
    expect(isEqual(a, b)).toBe(false);
    expect(isEqual(b, a)).toBe(false);
    expect(hasElement([a], b)).toBe(false);
  });

  it('is an error where null stands', () => {
    expect(() => isEqual([[null]], [[null]])).toThrow('null is not a value');
    expect(() => hasElement([null], ['a'])).toThrow('null is not a value');
  });
});

describe('a set operator over sets and records', () => {
  /** Records that count how often they are read. */
  function counted(length: number) {
    let reads = 0;
    const records = Array.from({ length }, (_each, n) => ({
      get name() {
        reads += 1;
        return `n${n}`;
      },
    }));
    return { records, reads: () => reads };
  }

  it.each<[string, (a: readonly Value[], b: readonly Value[]) => boolean, boolean]>([
    ['==', isEqual, true],
    ['containsAll', hasAll, true],
    ['containsAny', (a, b) => hasAny([...a, ['other']], [...b.slice(1), { name: 'n0', more: 1 }]), true],
    ['contains', (a, b) => hasElement([...a], [b]), false],
  ])('(%s) reads each member a few times, however many there are', (_operator, operate, expected) => {
    const [a, b] = [counted(1_000), counted(1_000)];
    expect(operate(a.records, b.records.toReversed())).toBe(expected);
    expect(a.reads() + b.reads()).toBeLessThanOrEqual(4_000);
  });

  it('does not multiply the lengths of short sets by their depth', () => {
    const nested = (depth: number, leaves: readonly Value[]): Value =>
      depth === 0 ? leaves : Array.from({ length: 8 }, (_each, n) => ['level', n, nested(depth - 1, leaves)]);
    const [a, b] = [counted(8), counted(8)];
    expect(isEqual([nested(3, a.records)], [nested(3, b.records)])).toBe(true);
    // 8 to the power of 4 leaves on each side, each read when the sets are compared one way and the other.
    expect(a.reads() + b.reads()).toBeLessThanOrEqual(4 * 8 ** 4);
  });

  it('finds values of extension types without comparing each with each', () => {
    let reads = 0;
    const moments = (from: number) =>
      Array.from({ length: 1_000 }, (_each, n) => {
        const value = datetimeOf(from + n);
        const { number } = value;
        return Object.defineProperty(value, 'number', { get: () => ((reads += 1), number) });
      });
    expect(hasAll(moments(0), moments(0).toReversed())).toBe(true);
    expect(hasAny(moments(0), moments(1_000))).toBe(false);
    expect(isEqual(moments(0), moments(1))).toBe(false);
    expect(reads).toBeLessThanOrEqual(12_000);
  });
});
