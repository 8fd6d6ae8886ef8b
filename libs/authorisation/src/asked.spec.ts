import { type JsonObject, parseActionRequest, type RequestKind } from '#writ/contracts';
import { askedOf, namedBy, requestOf } from './asked.js';

describe('requestOf', () => {
  it.each<[RequestKind, JsonObject]>([
    ['tool.call', { tool: 'mail', args: { to: 'x', copies: 2 } }],
    ['memory.query', { namespace: 'notes', text: 'x' }],
    ['memory.query', { namespace: 'notes', vector: [0.5, 1], k: 3 }],
    ['memory.query', { namespace: 'notes', text: 'x', vector: [0.5, 1], search: 'hybrid' }],
    [
      'memory.write',
      {
        namespace: 'notes',
        records: [
          { text: 'x', labels: ['a'] },
          { id: 'n', text: 'y', data: { z: 1 } },
        ],
      },
    ],
    ['memory.delete', { namespace: 'notes', ids: ['n'] }],
    ['egress.fetch', { url: 'https://example.com/', method: 'POST', headers: { accept: '*/*' }, body: 'x' }],
  ])('gives back the %s request that was asked: %j', (kind, body) => {
    const request = parseActionRequest(kind, { v: 1, call: 'again', ...body });
    expect(requestOf(kind, namedBy(request), askedOf(request))).toEqual(request);
  });

  it.each<[RequestKind, JsonObject]>([
    ['memory.query', { k: 'many' }],
    ['memory.query', { k: 1.5, text: 'x' }],
    ['memory.query', { k: 1, text: ['x'] }],
    ['memory.write', { records: {} }],
    ['memory.write', { records: [{ text: 'x' }] }],
    ['memory.write', { records: [{ text: 'x', labels: [1] }] }],
    ['memory.write', { records: [{ text: 'x', labels: [], id: 1 }] }],
    ['memory.write', { records: [null] }],
    ['memory.delete', { ids: [1] }],
    ['memory.delete', {}],
    ['egress.fetch', { method: 'GET', headers: {} }],
    ['egress.fetch', { url: 'https://example.com/', method: 1, headers: {} }],
    ['egress.fetch', { url: 'https://example.com/', method: 'GET', headers: { accept: 1 } }],
    ['egress.fetch', { url: 'https://example.com/', method: 'GET', headers: [] }],
  ])('does not understand as %s: %j', (kind, asked) => {
    expect(requestOf(kind, 'notes', asked)).toBeUndefined();
  });
});
