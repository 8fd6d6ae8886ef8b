import { z } from 'zod';
import { sealedEntries } from '../../../test/vectors/sealed-entries.js';
import { Entry, ENTRY_TYPES } from './entry.js';
import { isEntry } from './entry-check.js';
import { compileSchema } from './schema-check.js';

type Members = Record<string, unknown>;
const LENGTHS = [0, 1, 22, 43, 44, 63, 64, 65, 86, 128, 129, 256, 257, 512, 513];
const STRANGE: readonly unknown[] = [
  ...[null, true, false, -1, 0, 1, 0.5, 101, 2 ** 53, -0, '', '2026-02-29T00:00:00Z', 'Zoë\n', [], {}, [[]], { id: 1 }],
  ...LENGTHS.map((length) => 'a'.repeat(length)),
  Array.from({ length: 65 }, () => 'a'),
];

/** The entry with one thing changed: each member and element removed, replaced by strange values, and given a stranger beside it. */
function* changesOf(entry: unknown): Generator<unknown> {
  yield* STRANGE;
  if (typeof entry !== 'object' || entry === null) return;
  if (!Array.isArray(entry)) {
    yield { ...entry, other: 1 };
    yield JSON.parse(JSON.stringify(entry).replace('{', '{"__proto__":1,'));
  }
  for (const name of Object.keys(entry)) {
    const { [name]: value, ...others } = entry as Members;
    if (!Array.isArray(entry)) yield others;
    for (const changed of changesOf(value)) {
      yield Array.isArray(entry) ? entry.with(Number(name), changed) : { ...entry, [name]: changed };
    }
  }
}

describe('the check of entries', () => {
  const entries = sealedEntries()
    .filter((sealed) => sealed.isEntry)
    .map(({ text }) => JSON.parse(text) as Entry);

  it('is tried with every type of entry', () => {
    expect(new Set(entries.map(({ type }) => type))).toEqual(new Set(ENTRY_TYPES));
  });

  it('takes what the schema takes, and nothing else', () => {
    const counts = { taken: 0, refused: 0 };
    const differ: unknown[] = [];
    for (const entry of entries) {
      for (const changed of [entry, ...changesOf(entry)]) {
        const isTaken = Entry.safeParse(changed).success;
        counts[isTaken ? 'taken' : 'refused']++;
        if (isEntry(changed) !== isTaken) differ.push(changed);
      }
    }
    expect(differ.slice(0, 3)).toEqual([]);
    expect(counts.taken).toBeGreaterThan(5_000);
    expect(counts.refused).toBeGreaterThan(50_000);
  });

  it.each([
    ['a refinement', z.string().refine((text) => text !== 'a')],
    ['a transformation', z.string().trim()],
    ['a format that its pattern alone does not say', z.url()],
    ['two patterns', z.string().regex(/a/).regex(/b/)],
    ['an object that takes other members', z.object({ a: z.string() })],
    ['a refined object', z.strictObject({ a: z.string() }).refine(() => false)],
    ['a refined union', z.discriminatedUnion('a', [z.strictObject({ a: z.literal('b') })]).refine(() => false)],
    ['a refined choice', z.enum(['a']).refine(() => false)],
    [
      'a refined optional member',
      z.strictObject({
        a: z
          .string()
          .optional()
          .refine(() => false),
      }),
    ],
    ['a number that may be a fraction', z.number()],
    ['a default', z.strictObject({ a: z.string().default('b') })],
    ['a union without a discriminator', z.union([z.string(), z.int()])],
  ])('is not made of a schema with %s', (_what, schema) => {
    expect(() => compileSchema(schema)).toThrow(TypeError);
  });
});
