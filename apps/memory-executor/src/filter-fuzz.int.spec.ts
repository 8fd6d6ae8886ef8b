import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Predicate } from '#writ/contracts';
import { compilePolicies, decide, type FilterPlan, planFilter, policyEntities, recordEntity, uids } from '#writ/policy';
import * as fc from 'fast-check';
import { bundleOf } from '../../../test/vectors/cedar-oracle.js';
import { PgliteDatabase } from './pglite-database.js';
import { defaultTemplate, ensureTemplate } from './pglite-template.js';
import { SqlMemoryStore } from './sql-memory-store.js';

/** So many rows are decided one by one and compared; WRIT_FILTER_FUZZ_ROWS asks for more. */
const ROW_CHECKS = Number(process.env['WRIT_FILTER_FUZZ_ROWS'] ?? 100_000);
const SEED = Number(process.env['WRIT_FUZZ_SEED'] ?? 20_261);
/** Few rows a set, so that many sets are tried. */
const ROWS = 80;
const POLICIES_PER_SET = 3;

/** What breaks a translation: quotes, wildcards and escapes of LIKE, array syntax, case, marks that combine, wide characters. */
const TEXTS = [
  'a',
  'A',
  'ab',
  'a*b',
  'a%b',
  'a_b',
  'a\\b',
  '%',
  '_',
  '\\',
  '\\%',
  "'",
  "a'b",
  '"',
  'a"b',
  '',
  ' ',
  'NULL',
  'null',
  '{a}',
  'a,b',
  '$1',
  '-- x',
  '\n',
  'é',
  'e\u0301',
  'É',
  'ß',
  'ä',
  '日本',
  '🎉',
  'a🎉b',
  'true',
  '0',
  'support',
  '[a]',
  '?',
];
const literal = fc.constantFrom(...TEXTS.map((text) => JSON.stringify(text)));
const literals = fc.array(literal, { maxLength: 4 }).map((all) => `[${all.join(', ')}]`);
/** `*` is the wildcard, `\*` the character. Most patterns have one text, which some row has as well. */
const piece = literal.map((each) => each.slice(1, -1).replaceAll('*', '\\*'));
const pattern = fc.oneof(
  fc.tuple(fc.constantFrom('', '*'), piece, fc.constantFrom('', '*')).map((pieces) => `"${pieces.join('')}"`),
  fc.array(fc.oneof(fc.constant('*'), piece), { maxLength: 4 }).map((pieces) => `"${pieces.join('')}"`),
);
const field = fc.constantFrom('resource.id', 'resource.owner');
const ownText = fc.oneof(literal, fc.constantFrom('context.s', 'principal.name'));
const ownSet = fc.oneof(literals, fc.constantFrom('context.set', 'context.empty', 'context.mixed'));

/** One test of a record, also with operands that are missing or of another type. */
const usual: fc.Arbitrary<string> = fc.oneof(
  fc.tuple(field, fc.constantFrom('==', '!='), ownText).map((parts) => parts.join(' ')),
  fc.tuple(ownText, fc.constantFrom('==', '!='), field).map((parts) => parts.join(' ')),
  fc.tuple(field, pattern).map(([left, right]) => `${left} like ${right}`),
  ownText.map((text) => `resource.labels.contains(${text})`),
  fc
    .tuple(fc.constantFrom('containsAny', 'containsAll'), ownSet)
    .map(([operator, set]) => `resource.labels.${operator}(${set})`),
  fc
    .tuple(fc.constantFrom('containsAny', 'containsAll'), ownSet)
    .map(([operator, set]) => `${set}.${operator}(resource.labels)`),
  fc.tuple(ownSet, field).map(([set, element]) => `${set}.contains(${element})`),
  fc.tuple(ownSet, fc.constantFrom('==', '!=')).map(([set, operator]) => `resource.labels ${operator} ${set}`),
  fc.constant('resource.labels.isEmpty()'),
);

/** What is true or false of every record, or an error for all of them. */
const odd: fc.Arbitrary<string> = fc.constantFrom(
  'resource.owner == 3',
  'resource.id == principal',
  'resource.id == context.n',
  'resource.labels.contains(3)',
  'resource.labels.contains(context.n)',
  'resource has owner',
  'resource has gone',
  'resource in Namespace::"CRM"',
  'resource in Namespace::"HR"',
  'resource in [Namespace::"HR", principal]',
  'resource is Record',
  'resource is Tool',
  'resource is Record in Namespace::"HR"',
  'context.n > 1',
  'context has s',
  'context.n',
  'context.b',
  'context.gone == 1',
  '1',
);

const test = fc.oneof({ weight: 5, arbitrary: usual }, { weight: 1, arbitrary: odd });

const { condition } = fc.letrec<{ condition: string }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 3, depthSize: 'medium' },
    { weight: 3, arbitrary: test },
    {
      weight: 2,
      arbitrary: fc
        .tuple(tie('condition'), fc.constantFrom('&&', '||'), tie('condition'))
        .map((all) => `(${all.join(' ')})`),
    },
    { weight: 1, arbitrary: tie('condition').map((arg) => `!(${arg})`) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(tie('condition'), tie('condition'), tie('condition'))
        .map(([a, b, c]) => `(if ${a} then ${b} else ${c})`),
    },
  ),
}));

const policy = fc
  .record({
    effect: fc.constantFrom('permit', 'permit', 'permit', 'forbid'),
    scope: fc.oneof(
      { weight: 6, arbitrary: fc.constant('resource') },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          'resource is Record',
          'resource in Namespace::"CRM"',
          'resource is Record in Namespace::"HR"',
        ),
      },
    ),
    keyword: fc.constantFrom('when', 'when', 'unless'),
    body: condition,
  })
  .map(({ effect, scope, keyword, body }) => `${effect} (principal, action, ${scope}) ${keyword} { ${body} };`);

const context = fc.record(
  {
    s: fc.constantFrom<string | number>(...TEXTS, 7),
    n: fc.constantFrom<string | number>(1, 2, 'x'),
    b: fc.constantFrom<string | boolean>(true, false, 'x'),
    set: fc.oneof(fc.subarray(TEXTS, { maxLength: 12 }), fc.constant<string>('a')),
    empty: fc.constant<readonly string[]>([]),
    mixed: fc.constantFrom<readonly (string | number)[]>(['a', 3], [3]),
  },
  { requiredKeys: ['empty'] },
);

const text = fc.oneof(
  fc.constantFrom(...TEXTS),
  fc.tuple(fc.constantFrom(...TEXTS), fc.constantFrom(...TEXTS)).map((two) => two.join('')),
);
const rows = fc.array(fc.record({ owner: text, labels: fc.uniqueArray(text, { maxLength: 4 }) }), {
  minLength: ROWS,
  maxLength: ROWS,
});

const entities = policyEntities({
  agents: [{ name: 'support', teams: ['sales'] }],
  tools: [],
  namespaces: ['CRM', 'HR'],
  destinations: [],
});
const who = { principal: uids.agent('support'), action: uids.action('query') };
const never = new AbortController().signal;

describe('the filter of a memory query in PostgreSQL', () => {
  let directory: string;
  let store: SqlMemoryStore;
  let database: PgliteDatabase;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'writ-fuzz-'));
    const template = defaultTemplate();
    if (template !== undefined) await ensureTemplate(template);
    database = await PgliteDatabase.open(directory);
    store = await SqlMemoryStore.open(database, { id: 'one', dimensions: 1 });
  }, 60_000);
  afterAll(async () => {
    await store.close();
    await rm(directory, { recursive: true, force: true });
  });

  async function visible(plan: FilterPlan): Promise<ReadonlySet<string>> {
    if (plan.kind === 'none') return new Set();
    const filter: Predicate = plan.kind === 'some' ? plan.predicate : { op: 'true' };
    const found = await store.query({ tenant: 'default', namespace: 'CRM' }, { vector: [1], k: ROWS, filter }, never);
    return new Set(found.map(({ id }) => id));
  }

  it(`shows exactly the rows that are permitted one by one, in ${ROW_CHECKS} rows`, async () => {
    const [given = []] = fc.sample(rows, { numRuns: 1, seed: SEED });
    // Ids are unique, so half of them are the texts themselves and the others start with one.
    const records = given.map((row, at) => ({ id: TEXTS[at] ?? `${TEXTS[at % TEXTS.length]}${at}`, ...row }));
    const stored = records.map((record) => ({ ...record, text: 't', data: {}, vector: [1] }));
    await store.write(
      { tenant: 'default', namespace: 'CRM' },
      { records: stored, call: 'c', filter: { op: 'true' } },
      never,
    );

    const sets = Math.ceil(ROW_CHECKS / records.length);
    const cases = fc.sample(fc.tuple(fc.array(policy, { minLength: 1, maxLength: POLICIES_PER_SET }), context), {
      numRuns: sets,
      seed: SEED,
    });
    const seen = { none: 0, all: 0, some: 0, shown: 0, hidden: 0 };
    for (const [texts, facts] of cases) {
      const set = compilePolicies(bundleOf(Object.fromEntries(texts.map((each, i) => [`p${i}`, each]))), entities);
      const plan = planFilter(set, { ...who, parent: uids.namespace('CRM'), context: facts });
      seen[plan.kind] += 1;
      const shown = await visible(plan);
      const permitted = records.filter((record) => {
        return decide(set, { ...who, resource: recordEntity('CRM', record), context: facts }).effect === 'permit';
      });
      const expected = new Set(permitted.map(({ id }) => id));
      const difference = {
        tooMany: [...shown].filter((id) => !expected.has(id)),
        tooFew: [...expected].filter((id) => !shown.has(id)),
      };
      // What failed is in the message: the same seed makes it again.
      expect({ seed: SEED, texts, facts, ...difference }).toEqual({
        seed: SEED,
        texts,
        facts,
        tooMany: [],
        tooFew: [],
      });
      seen.shown += shown.size;
      seen.hidden += records.length - shown.size;
    }
    expect(records.length * cases.length).toBeGreaterThanOrEqual(ROW_CHECKS);
    // The cases are worth something: all kinds of plans, and rows on both sides.
    expect(Math.min(...Object.values(seen))).toBeGreaterThan(cases.length / 50);
  }, 600_000);

  it('reads no column that can be NULL, so that three-valued logic never comes up', async () => {
    const columns = await database.query(
      "select column_name as name, is_nullable as nullable from information_schema.columns where table_name = 'writ_memory_record'",
    );
    const nullable = columns.filter((column) => column['nullable'] !== 'NO').map((column) => column['name']);
    expect([columns.length > 5, nullable]).toEqual([true, []]);
    const insert =
      "insert into writ_memory_record values ('default', 'CRM', 'x', 'o', array[null]::text[], '{}', '[1]', 'c')";
    await expect(database.query(insert)).rejects.toThrow(/check constraint/);
  });
});
