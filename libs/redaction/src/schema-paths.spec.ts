import type { Json } from '#writ/contracts';
import { unmatchedPaths } from './index.js';

const SCHEMA: Json = {
  type: 'object',
  properties: {
    email: { type: 'string' },
    payload: { type: 'string', contentMediaType: 'application/json' },
    customer: { type: 'object', properties: { SSN: { type: 'string' } } },
    items: { type: 'array', items: { type: 'object', properties: { price: { type: 'number' } } } },
    pair: { type: 'array', prefixItems: [{ type: 'object', properties: { first: {} } }], items: false },
    tree: { $ref: '#/$defs/node' },
    either: { anyOf: [{ type: 'string' }, { type: 'object', properties: { left: {} } }] },
    free: { type: 'object', additionalProperties: { type: 'object', properties: { deep: {} } } },
    any: {},
  },
  required: ['email'],
  $defs: {
    node: { type: 'object', properties: { value: {}, children: { type: 'array', items: { $ref: '#/$defs/node' } } } },
  },
};

describe('unmatchedPaths', () => {
  it.each([
    '/email',
    '/Email',
    '/*',
    '/**/ssn',
    '/customer/ssn',
    '/items/*/price',
    '/items/0/price',
    '/**/price',
    '/pair/0/first',
    '/tree/children/*/children/*/value',
    '/either/left',
    '/free/whatever/deep',
    '/any/thing/at/all',
    '/payload/inside',
    '/**',
  ])('lets %s through, which can match', (path) => {
    expect(unmatchedPaths(SCHEMA, [path])).toEqual([]);
  });

  it.each([
    '/emial',
    '/customer/sn',
    '/customer/*/x',
    '/email/x',
    '/items/price',
    '/items/*/cost',
    '/pair/1/first',
    '/tree/children/*/valeu',
    '/either/right',
    '/free/whatever/deeep',
  ])('names %s, which cannot', (path) => {
    expect(unmatchedPaths(SCHEMA, ['/email', path])).toEqual([path]);
  });

  it('takes a schema that says nothing to let everything through', () => {
    expect(unmatchedPaths({}, ['/a'])).toEqual([]);
    expect(unmatchedPaths(true, ['/a'])).toEqual([]);
    expect(unmatchedPaths({ type: 'object' }, ['/a'])).toEqual([]);
    expect(unmatchedPaths({ type: 'object', properties: {}, additionalProperties: true }, ['/a'])).toEqual([]);
    expect(unmatchedPaths({ type: 'object', properties: { a: {} }, additionalProperties: false }, ['/b'])).toEqual([
      '/b',
    ]);
    expect(unmatchedPaths({ allOf: [{ type: 'object', properties: { a: {} } }] }, ['/a', '/b'])).toEqual(['/b']);
  });

  it('knows that `**` finds nothing where every schema is closed', () => {
    const closed: Json = {
      type: 'object',
      properties: { a: { type: 'string' }, b: { type: 'array', items: { type: 'number' } } },
    };
    expect(unmatchedPaths(closed, ['/**/c', '/**/a', '/b/*'])).toEqual(['/**/c']);
  });
});
