import fc from 'fast-check';
import { addQuery, fillUrl, parseUrlTemplate } from './url-template.js';

function fill(template: string, args: Record<string, string | number | boolean>) {
  const parsed = parseUrlTemplate(template);
  if (typeof parsed === 'string') throw new Error(parsed);
  return fillUrl(parsed, args);
}

describe('fillUrl', () => {
  it('encodes arguments and returns those that had no place', () => {
    expect(fill('https://a.example/u/{id}/p?q={q}', { id: 'ä b', q: 'x/y&z=#', rest: 1 })).toEqual({
      url: 'https://a.example/u/%C3%A4%20b/p?q=x%2Fy%26z%3D%23',
      rest: { rest: 1 },
    });
  });

  it.each(['..', '.', '', '../x', 'a/b', 'a\\b', '\u0000'])('refuses %j as a segment of the path', (id) => {
    expect(fill('https://a.example/u/{id}', { id })).toHaveProperty('problem');
  });

  it('never lets an argument change host, path or the names of the query', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (id, q) => {
        if (!id.isWellFormed() || !q.isWellFormed()) return;
        const filled = fill('https://a.example/u/{id}/p?q={q}', { id, q });
        if ('problem' in filled) return;
        const url = new URL(filled.url);
        expect([url.origin, url.pathname.split('/').length, [...url.searchParams.keys()], url.hash]).toEqual([
          'https://a.example',
          4,
          ['q'],
          '',
        ]);
        expect(decodeURIComponent(url.pathname.split('/')[2] ?? '')).toBe(id);
        expect(decodeURIComponent(url.search.slice(3))).toBe(q);
      }),
    );
  });
});

describe('addQuery', () => {
  it('writes a list as one member for each element, an object as JSON, and leaves null out', () => {
    expect(addQuery('https://a.example/', { a: [1, 'x y'], b: { c: 1 }, d: null })).toBe(
      'https://a.example/?a=1&a=x%20y&b=%7B%22c%22%3A1%7D',
    );
    expect(addQuery('https://a.example/?z=1', { a: true })).toBe('https://a.example/?z=1&a=true');
  });
});
