import type { Predicate } from '#writ/contracts';
import { toSql } from './predicate-sql.js';

describe('toSql', () => {
  it.each<[string, Predicate, string, unknown[]]>([
    ['true', { op: 'true' }, 'true', []],
    ['an empty and, which lets all through', { op: 'and', args: [] }, 'true', []],
    ['an empty or, which lets none through', { op: 'or', args: [] }, 'false', []],
    ['eq', { op: 'eq', field: 'owner', value: "o'b" }, '(m.owner collate "C" = $3::text)', ["o'b"]],
    ['oneOf', { op: 'oneOf', field: 'id', values: ['a', 'b'] }, '(m.id collate "C" = any ($3::text[]))', [['a', 'b']]],
    ['contains', { op: 'contains', field: 'labels', value: 'x' }, '($3::text = any (m.labels))', ['x']],
    ['containsAny', { op: 'containsAny', field: 'labels', values: ['x'] }, '(m.labels && $3::text[])', [['x']]],
    ['containsAll', { op: 'containsAll', field: 'labels', values: ['x'] }, '(m.labels @> $3::text[])', [['x']]],
    ['subsetOf', { op: 'subsetOf', field: 'labels', values: ['x'] }, '(m.labels <@ $3::text[])', [['x']]],
    ['isEmpty', { op: 'isEmpty', field: 'labels' }, '(cardinality(m.labels) = 0)', []],
    [
      'like',
      { op: 'like', field: 'id', pattern: ['a%_\\', null] },
      '(m.id collate "C" like $3::text)',
      ['a\\%\\_\\\\%'],
    ],
  ])('translates %s and binds its values', (_case, predicate, text, params) => {
    expect(toSql(predicate, 3)).toEqual({ text, params });
  });

  it('numbers the parameters of nested predicates one after the other', () => {
    const predicate: Predicate = {
      op: 'or',
      args: [
        { op: 'eq', field: 'owner', value: 'a' },
        { op: 'not', arg: { op: 'contains', field: 'labels', value: 'b' } },
      ],
    };
    expect(toSql(predicate, 1)).toEqual({
      text: '((m.owner collate "C" = $1::text) or (not ($2::text = any (m.labels))))',
      params: ['a', 'b'],
    });
  });

  it.each<[string, Predicate]>([
    ['eq', { op: 'eq', field: 'id', value: 'a\0' }],
    ['like', { op: 'like', field: 'id', pattern: [null, 'a\0'] }],
    ['contains', { op: 'contains', field: 'labels', value: '\ud800' }],
    ['containsAll', { op: 'containsAll', field: 'labels', values: ['a', '\0'] }],
  ])('lets no record through for %s with a value that no record can have', (_case, predicate) => {
    expect(toSql(predicate, 1)).toEqual({ text: 'false', params: [] });
  });

  it('leaves a value that no record can have out of the values of which any will do', () => {
    expect(toSql({ op: 'oneOf', field: 'id', values: ['a\0', 'b'] }, 1).params).toEqual([['b']]);
  });

  it('refuses a predicate that is nested too deep', () => {
    let predicate: Predicate = { op: 'true' };
    for (let level = 0; level < 100; level++) predicate = { op: 'not', arg: predicate };
    expect(() => toSql(predicate, 1)).toThrow(expect.objectContaining({ code: 'COMMAND_MALFORMED' }));
  });
});
