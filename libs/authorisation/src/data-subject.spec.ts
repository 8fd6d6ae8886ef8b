import type { Json } from '#writ/contracts';
import { subjectIn, subjectOfAll } from './data-subject.js';

const CUSTOMER = { type: 'customer', from: '/data/id' };

describe('subjectIn', () => {
  it.each([
    ['a text', 'Anna@x', 'Anna@x'],
    ['a number', 42, '42'],
  ])('names whom arguments are about, by %s, to the letter', (_case, id, named) => {
    expect(subjectIn(CUSTOMER, { data: { id } })).toEqual({ type: 'customer', id: named });
  });

  it('names nobody where nothing says who it is', () => {
    expect(subjectIn(undefined, { data: { id: 'x' } })).toBeUndefined();
  });

  it.each([
    [{}],
    [{ data: null }],
    [{ data: { id: '' } }],
    [{ data: { id: null } }],
    [{ data: { id: { a: 1 } } }],
    [['x']],
  ])('refuses %j: no erasure would find it', (args) => {
    expect(() => subjectIn(CUSTOMER, args as Json)).toThrow(
      expect.objectContaining({ code: 'INPUT_ARGUMENTS_INVALID' }),
    );
  });

  it('reads own members alone', () => {
    expect(() => subjectIn({ type: 'customer', from: '/constructor/name' }, {})).toThrow('must name a customer');
  });
});

describe('subjectOfAll', () => {
  it('takes records that are about one subject, and refuses others: one commitment covers them all', () => {
    const about = (id: string) => ({ data: { id } });
    expect(subjectOfAll(CUSTOMER, [about('a'), about('a')])).toEqual({ type: 'customer', id: 'a' });
    expect(() => subjectOfAll(CUSTOMER, [about('a'), about('b')])).toThrow('more than one customer');
    expect(() => subjectOfAll(CUSTOMER, [about('a'), {}])).toThrow('must name a customer');
  });
});
