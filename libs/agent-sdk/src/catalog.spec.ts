import { fetchCatalog } from './catalog.js';

const bytes = (answer: object) => Promise.resolve(Buffer.from(JSON.stringify({ v: 1, ...answer })));
const tool = (name: string) => ({ type: 'tool', name, input: {}, hints: { idempotent: false, timeoutMs: 1 } });
const namespace = { type: 'namespace', name: 'notes', operations: ['query'] };

describe('fetchCatalog', () => {
  it('puts the pages together, by what things are', async () => {
    const asked: (string | undefined)[] = [];
    const catalog = await fetchCatalog((after) => {
      asked.push(after);
      return after === undefined
        ? bytes({ status: 'listed', items: [namespace, tool('a')], next: 'tool/a' })
        : bytes({ status: 'listed', items: [tool('b')] });
    });
    expect(asked).toEqual([undefined, 'tool/a']);
    expect(catalog.tools.map(({ name }) => name)).toEqual(['a', 'b']);
    expect(catalog.namespaces).toEqual([{ name: 'notes', operations: ['query'] }]);
    expect(catalog.destinations).toEqual([]);
  });

  it('is refused with the code of the refusal', async () => {
    const refused = { status: 'refused', code: 'BUSY', message: 'too many' };
    await expect(fetchCatalog(() => bytes(refused))).rejects.toMatchObject({ name: 'Refused', code: 'BUSY' });
  });

  it.each([
    ['is none', () => bytes({ status: 'pending', call: 'c' })],
    ['cannot be read', () => Promise.resolve(Buffer.from('{'))],
    ['does not end', () => bytes({ status: 'listed', items: [], next: 'tool/a' })],
  ])('is InvalidAnswer when the answer %s', async (_case, ask) => {
    await expect(fetchCatalog(ask)).rejects.toMatchObject({ name: 'InvalidAnswer' });
  });
});
