import type { JsonObject } from './canonical.js';
import { parseActionRequest, searchOf } from './request.js';

describe('a memory query', () => {
  const parsed = (asked: JsonObject) =>
    parseActionRequest('memory.query', { v: 1, call: 'c', namespace: 'n', ...asked });

  it.each<[JsonObject, string]>([
    [{ text: 'x' }, 'vector'],
    [{ vector: [1] }, 'vector'],
    [{ text: 'x', search: 'vector' }, 'vector'],
    [{ text: 'x', search: 'text' }, 'text'],
    [{ text: 'x', search: 'hybrid' }, 'hybrid'],
    [{ text: 'x', vector: [1] }, 'hybrid'],
    [{ text: 'x', vector: [1], search: 'hybrid' }, 'hybrid'],
  ])('of %j is a search by %s', (asked, search) => {
    const request = parsed(asked);
    expect(request.kind === 'memory.query' && searchOf(request)).toBe(search);
  });

  it.each<[JsonObject]>([
    [{}],
    [{ search: 'text' }],
    [{ vector: [1], search: 'text' }],
    [{ vector: [1], search: 'hybrid' }],
    [{ text: 'x', vector: [1], search: 'vector' }],
    [{ text: 'x', vector: [1], search: 'text' }],
    [{ text: 'x', ids: ['a'] }],
    [{ vector: [1], ids: ['a'] }],
    [{ ids: ['a'], search: 'vector' }],
    [{ text: 'x', search: 'fulltext' }],
  ])('of %j is refused', (asked) => {
    expect(() => parsed(asked)).toThrow(expect.objectContaining({ code: 'INPUT_INVALID' }));
  });
});
