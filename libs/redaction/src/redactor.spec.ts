import type { Json, ObligationOf } from '#writ/contracts';
import * as fc from 'fast-check';
import { compileRedaction, type Redacted } from './index.js';

function redact(value: Json, obligation: Partial<ObligationOf<'redact'>>): Redacted {
  const redactor = compileRedaction([{ type: 'redact', target: 'output', ...obligation }], 'output');
  if (redactor === undefined) throw new Error('the obligation asks for nothing');
  return redactor.redact(value);
}

const GONE = '[redacted:path]';

describe('compileRedaction', () => {
  it('makes nothing of obligations that ask for nothing on that side', () => {
    expect(compileRedaction([], 'output')).toBeUndefined();
    expect(compileRedaction([{ type: 'redact', target: 'input', paths: ['/a'] }], 'output')).toBeUndefined();
    expect(compileRedaction([{ type: 'redact', target: 'output' }], 'output')).toBeUndefined();
  });

  it('does what several obligations ask for together', () => {
    const redactor = compileRedaction(
      [
        { type: 'redact', target: 'output', paths: ['/a'] },
        { type: 'redact', target: 'output', detectors: ['email'] },
        { type: 'redact', target: 'input', paths: ['/c'] },
      ],
      'output',
    );
    expect(redactor?.redact({ a: 1, b: 'ada@example.com', c: 2 })).toEqual({
      value: { a: GONE, b: '[redacted:email]', c: 2 },
      redactions: [
        { path: '/a', kind: 'path', n: 1 },
        { path: '/b', kind: 'email', n: 1 },
      ],
    });
  });
});

describe('a redaction that is asked for again', () => {
  const asked = (paths: readonly string[]) => [
    { type: 'redact' as const, target: 'output' as const, paths: [...paths] },
  ];

  it('is compiled once for the same means, and anew for others', () => {
    const [means, others] = [{ hash: () => 'ours' }, { hash: () => 'theirs' }];
    const first = compileRedaction(asked(['/a']), 'output', means);
    expect(compileRedaction(asked(['/a']), 'output', means)).toBe(first);
    expect(compileRedaction(asked(['/b']), 'output', means)).not.toBe(first);
    expect(compileRedaction(asked(['/a']), 'output', others)).not.toBe(first);
  });
});

describe('redaction by path', () => {
  it.each<[string, string, Json, Json]>([
    ['a member', '/a/b', { a: { b: 1, c: 2 } }, { a: { b: GONE, c: 2 } }],
    ['whatever stands there', '/a', { a: { b: [1, 2] } }, { a: GONE }],
    ['null too', '/a', { a: null }, { a: GONE }],
    ['in any case', '/Customer/SSN', { customer: { ssn: 'x', Ssn: 'y' } }, { customer: { ssn: GONE, Ssn: GONE } }],
    ['in any width', '/ssn', { '\uff33\uff33\uff2e': 'x' }, { '\uff33\uff33\uff2e': GONE }],
    ['every element', '/list/*/k', { list: [{ k: 1 }, { k: 2, l: 3 }] }, { list: [{ k: GONE }, { k: GONE, l: 3 }] }],
    ['one element', '/list/1', { list: [1, 2] }, { list: [1, GONE] }],
    ['every member', '/*', { a: 1, b: 2 }, { a: GONE, b: GONE }],
    ['at any depth', '/**/k', { k: 1, a: [{ b: { k: 2 } }] }, { k: GONE, a: [{ b: { k: GONE } }] }],
    ['below a member', '/a/**/k', { k: 1, a: { k: 2, b: { k: 3 } } }, { k: 1, a: { k: GONE, b: { k: GONE } } }],
    [
      'with stars on both sides',
      '/**/a/**/k',
      { x: { a: { y: { k: 1 } } }, k: 2 },
      { x: { a: { y: { k: GONE } } }, k: 2 },
    ],
    ['escaped tokens', '/a~1b/~0c', { 'a/b': { '~c': 1 } }, { 'a/b': { '~c': GONE } }],
    ['the empty key', '/', { '': 1 }, { '': GONE }],
    ['everything', '/**', { a: 1 }, GONE],
    ['nothing that is not there', '/a/b/c', { a: { b: 1 } }, { a: { b: 1 } }],
    ['in JSON in a string', '/a/k', { a: '{"k": 1, "l": 2}' }, { a: `{"k":"${GONE}","l":2}` }],
    ['in a string as a whole', '/k', '{"k":1}', `{"k":"${GONE}"}`],
    [
      'in JSON in JSON in a string',
      '/**/k',
      { a: JSON.stringify({ b: JSON.stringify([{ k: 1 }]) }) },
      {
        a: JSON.stringify({ b: JSON.stringify([{ k: GONE }]) }),
      },
    ],
    ['in JSON in a string in quotes', '/k', JSON.stringify('{"k":1}'), JSON.stringify(`{"k":"${GONE}"}`)],
    ['leaving words in quotes as written', '/k', '"k": {"k":1}, "l"', '"k": {"k":1}, "l"'],
    ['leaving JSON as written when nothing matches', '/k', { a: '{ "l" : 1 }' }, { a: '{ "l" : 1 }' }],
    ['a key of the prototype', '/constructor', { constructor: 1, a: 2 }, { constructor: GONE, a: 2 }],
  ])('takes out %s (%s)', (_case, path, value, expected) => {
    expect(redact(value, { paths: [path] }).value).toEqual(expected);
  });

  it('keeps a key `__proto__` a key', () => {
    const { value } = redact(JSON.parse('{"__proto__":{"k":1},"l":2}') as Json, { paths: ['/**/k'] });
    expect(JSON.stringify(value)).toBe(`{"__proto__":{"k":"${GONE}"},"l":2}`);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  });

  it('counts what it took out by place, elements of an array together', () => {
    const value = { list: [{ k: 1 }, { k: 2 }, { k: 3 }], k: 4 };
    expect(redact(value, { paths: ['/**/k'] }).redactions).toEqual([
      { path: '/list/*/k', kind: 'path', n: 3 },
      { path: '/k', kind: 'path', n: 1 },
    ]);
  });
});

describe('redaction by detector', () => {
  it('scans strings, keys, JSON in strings with escapes, and numbers', () => {
    const value = {
      note: 'ada@example.com and bob@example.com',
      'ada@example.com': true,
      json: '{"mail":"ada\\u0040example.com"}',
      card: 4_111_111_111_111_111,
      count: 4_111,
    };
    const { value: redacted, redactions } = redact(value, { detectors: ['email', 'card'] });
    expect(redacted).toEqual({
      note: '[redacted:email] and [redacted:email]',
      '[redacted:email]': true,
      json: '{"mail":"[redacted:email]"}',
      card: '[redacted:card]',
      count: 4_111,
    });
    expect(redactions).toEqual([
      { path: '/note', kind: 'email', n: 2 },
      { path: '/', kind: 'email', n: 1 },
      { path: '/json/mail', kind: 'email', n: 1 },
      { path: '/card', kind: 'card', n: 1 },
    ]);
  });

  it('finds the value of a member whose key names a secret', () => {
    const value = {
      password: 'swordfish',
      db_password: 'x',
      'Api-Key': 'abc',
      ssn: 536_228_726,
      pass: '',
      passport: 'P1',
    };
    expect(redact(value, { detectors: ['password', 'api-key', 'ssn'] }).value).toEqual({
      password: '[redacted:password]',
      db_password: '[redacted:password]',
      'Api-Key': '[redacted:api-key]',
      ssn: '[redacted:ssn]',
      pass: '',
      passport: 'P1',
    });
  });

  it.each<[string, Json, Json]>([
    ['an array', ['a', '4111 1111', ' 1111 1111', 'b'], ['a', '[redacted:card]', '[redacted:card]', 'b']],
    [
      'an object',
      { one: 'ghp_aB3dE5gH7jK9mN1pQ3s', two: 'T5vW7yZ9bC1eF3hI5', n: 1 },
      { one: '[redacted:github-token]', two: '[redacted:github-token]', n: 1 },
    ],
    ['base64', ['d3JpdGUgdG8gYWRhLmxvdmVsYWNlQGV4', 'YW1wbGUuY29t'], ['[redacted:email]', '[redacted:email]']],
  ])('finds a secret that is split over the strings of %s', (_what, value, expected) => {
    expect(redact(value, { detectors: ['card', 'github-token', 'email'] }).value).toEqual(expected);
  });

  it('takes nothing from beside a secret that stands alone', () => {
    const { value } = redact(['ada@example.com', 'hello', '1.2', '3.4'], { detectors: ['email', 'ipv4'] });
    expect(value).toEqual(['[redacted:email]', 'hello', '1.2', '3.4']);
  });

  it('finds a value that a duplicate key hides from the parser', () => {
    const { value } = redact('{"a":"ada@example.com","a":"nothing"}', { detectors: ['email'] });
    expect(value).toBe('{"a":"[redacted:email]","a":"nothing"}');
  });

  it('keeps the values of keys that become the same', () => {
    const { value } = redact({ 'a@example.com': 1, 'b@example.com': 2, 'c@example.com': 3 }, { detectors: ['email'] });
    expect(Object.values(value as object)).toEqual([1, 2, 3]);
    const { value: before } = redact({ '[redacted:email]': 0, 'a@example.com': 1 }, { detectors: ['email'] });
    const { value: after } = redact({ 'a@example.com': 1, '[redacted:email]': 0 }, { detectors: ['email'] });
    expect([Object.values(before as object), Object.values(after as object)]).toEqual([
      [0, 1],
      [1, 0],
    ]);
  });

  it('puts no key that may be data into the path of a redaction', () => {
    const value = { 'Ada Lovelace': { mail: 'ada@example.com' }, x1234567: { mail: 'ada@example.com' } };
    expect(redact(value, { detectors: ['email'] }).redactions).toEqual([{ path: '/*/mail', kind: 'email', n: 2 }]);
  });

  it('says at most 64 places, and counts the rest under one', () => {
    const letters = 'abcdefghij'.split('');
    const keys = letters.flatMap((a) => letters.map((b) => `k${a}${b}`));
    const value = Object.fromEntries(keys.map((key) => [key, 'ada@example.com']));
    const { redactions } = redact(value, { detectors: ['email'] });
    expect(redactions.length).toBeLessThanOrEqual(64);
    expect(redactions.at(-1)).toMatchObject({ path: '/**', kind: 'email' });
    expect(redactions.reduce((sum, { n }) => sum + n, 0)).toBe(100);
  });
});

describe('a value that cannot be scanned whole', () => {
  const deep = (levels: number): Json => (levels === 0 ? 1 : [deep(levels - 1)]);

  it.each<[string, Json]>([
    ['nests too deep', deep(65)],
    ['nests too deep in a string', JSON.stringify(deep(65))],
    ['is too long', 'x'.repeat(3_000_000)],
    ['has too many members', Array.from({ length: 140_000 }, () => [])],
  ])('is withheld when it %s', (_case, value) => {
    expect(() => redact(value, { detectors: ['email'] })).toThrow(
      expect.objectContaining({ code: 'EXECUTOR_REDACTION_FAILED' }),
    );
  });

  it('is withheld without its text when something unforeseen is in it', () => {
    const value = {
      get secret(): string {
        throw new Error('ada@example.com');
      },
    };
    expect(() => redact(value, { paths: ['/x'] })).toThrow(
      expect.objectContaining({ code: 'EXECUTOR_REDACTION_FAILED', message: expect.not.stringContaining('ada') }),
    );
  });
});

describe('every redaction', () => {
  it('leaves its input alone, gives the same twice, and changes nothing when run again', () => {
    const leaf = fc.oneof(
      fc.string(),
      fc.constant('ada@example.com'),
      fc.constant('4111 1111 1111 1111'),
      fc.integer(),
    );
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        leaf,
        fc.array(tie('tree'), { maxLength: 4 }),
        fc.dictionary(fc.constantFrom('a', 'K', 'password', 'x@example.com'), tie('tree')),
        tie('tree').map((value) => JSON.stringify(value)),
      ),
    }));
    fc.assert(
      fc.property(tree as fc.Arbitrary<Json>, (value) => {
        const before = JSON.stringify(value);
        const once = redact(value, { paths: ['/**/k'], detectors: ['email', 'card', 'password'] });
        expect(JSON.stringify(value)).toBe(before);
        expect(redact(value, { paths: ['/**/k'], detectors: ['email', 'card', 'password'] })).toEqual(once);
        expect(redact(once.value, { detectors: ['email', 'card', 'password'] })).toEqual({
          value: once.value,
          redactions: [],
        });
        expect(JSON.stringify(once.value)).not.toMatch(/ada@example|4111 1111/);
      }),
    );
  });
});
