import canonicalize from 'canonicalize';
import * as fc from 'fast-check';
import { canonicalJson, type Json } from './canonical.js';

/** Any Unicode scalar value. */
const scalar = fc.integer({ min: 0, max: 0x10ffff }).map((code) => String.fromCodePoint(code).toWellFormed());

describe('canonicalJson', () => {
  it('writes what the reference implementation of RFC 8785 writes, for every JSON value', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6, stringUnit: scalar }), (value) => {
        expect(canonicalJson(value as Json)).toBe(canonicalize(value));
      }),
    );
  });

  it('sorts the keys of an object of any size', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: scalar }), fc.integer(), { minKeys: 25, maxKeys: 45 }), (object) => {
        expect(canonicalJson(object)).toBe(canonicalize(object));
      }),
    );
  });

  it('writes equal values the same, however their members are ordered (IDENTITY-11)', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (object) => {
        const reordered = Object.fromEntries(Object.entries(object).reverse());
        expect(canonicalJson(reordered as Json)).toBe(canonicalJson(object as Json));
      }),
    );
  });

  it('writes equal numbers the same, however they were spelled', () => {
    const spellings = ['{"n":1,"m":0}', '{"n":1.0,"m":-0}', '{"m":0e5,"n":1e0}', '{"\\u006e":1,"\\u006d":0}'];
    const texts = spellings.map((text) => canonicalJson(JSON.parse(text) as Json));
    expect(new Set(texts)).toEqual(new Set(['{"m":0,"n":1}']));
  });

  it.each([
    ['a lone surrogate', '\ud800'],
    ['a key with a lone surrogate', { '\udc00': 1 }],
    ['NaN', NaN],
    ['infinity', -Infinity],
    ['undefined', undefined],
    ['an undefined member', { a: undefined }],
    ['an undefined element', [undefined]],
    ['a hole in an array', new Array(2)],
    ['a bigint', 1n],
    ['a function', () => 0],
    ['a symbol', Symbol('s')],
    ['a date', new Date(0)],
    ['a map', new Map()],
    ['a buffer', Buffer.from('a')],
  ])('refuses %s, which is not JSON', (_case, value) => {
    expect(() => canonicalJson(value as Json)).toThrow(TypeError);
  });
});
