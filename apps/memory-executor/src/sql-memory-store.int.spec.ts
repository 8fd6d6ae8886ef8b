import type { Predicate } from '#writ/contracts';
import * as fc from 'fast-check';
import { BACKENDS, CountingDatabase, type TestDatabase } from './databases.fixture.js';
import { toTsquery } from './lexemes.js';
import type { MemoryScope, ScoredRecord } from './memory-store.js';
import type { SqlDatabase } from './sql-database.js';
import { SqlMemoryStore } from './sql-memory-store.js';

const SPACE = { id: 'three', dimensions: 3 };
const EVERY: Predicate = { op: 'true' };
const never = new AbortController().signal;

interface Row {
  readonly text?: string;
  readonly id: string;
  readonly owner: string;
  readonly labels: readonly string[];
  readonly vector?: readonly number[];
}

/** What a predicate means, written down a second time: the oracle that the SQL is compared with. */
function isMatch(predicate: Predicate, row: Row): boolean {
  switch (predicate.op) {
    case 'true':
      return true;
    case 'false':
      return false;
    case 'and':
      return predicate.args.every((arg) => isMatch(arg, row));
    case 'or':
      return predicate.args.some((arg) => isMatch(arg, row));
    case 'not':
      return !isMatch(predicate.arg, row);
    case 'eq':
      return row[predicate.field] === predicate.value;
    case 'oneOf':
      return predicate.values.includes(row[predicate.field]);
    case 'like': {
      const pieces = predicate.pattern.map((piece) =>
        piece === null ? '[^]*' : piece.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&'),
      );
      return new RegExp(`^${pieces.join('')}$`, 'u').test(row[predicate.field]);
    }
    case 'contains':
      return row.labels.includes(predicate.value);
    case 'containsAny':
      return predicate.values.some((value) => row.labels.includes(value));
    case 'containsAll':
      return predicate.values.every((value) => row.labels.includes(value));
    case 'subsetOf':
      return row.labels.every((label) => predicate.values.includes(label));
    case 'isEmpty':
      return row.labels.length === 0;
  }
}

const NASTY = [
  "'",
  '"',
  '%',
  '_',
  '\\',
  '\\%',
  'a',
  'A',
  'ä',
  'a\u0308',
  '💥',
  '',
  ' ',
  'NULL',
  '{a}',
  'a,b',
  '$1',
  '-- x',
  '\n',
];

const value = fc.oneof(
  fc.constantFrom(...NASTY),
  fc.constantFrom(...NASTY).map((text) => `a${text}b`),
  fc.constant('a\0'),
  fc.string(),
);
const textField = fc.constantFrom('id' as const, 'owner' as const);
const labelsField = fc.constant('labels' as const);
const { predicate: anyPredicate } = fc.letrec<{ predicate: Predicate }>((tie) => ({
  predicate: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.record({ op: fc.constant('eq' as const), field: textField, value }),
    fc.record({ op: fc.constant('oneOf' as const), field: textField, values: fc.array(value) }),
    fc.record({
      op: fc.constant('like' as const),
      field: textField,
      pattern: fc.array(fc.option(value), { maxLength: 4 }),
    }),
    fc.record({ op: fc.constant('contains' as const), field: labelsField, value }),
    fc.record({
      op: fc.constantFrom('containsAny' as const, 'containsAll' as const, 'subsetOf' as const),
      field: labelsField,
      values: fc.array(value, { maxLength: 12 }),
    }),
    fc.record({ op: fc.constant('isEmpty' as const), field: labelsField }),
    fc.record({ op: fc.constantFrom('true' as const, 'false' as const) }),
    fc.record({ op: fc.constant('not' as const), arg: tie('predicate') }),
    fc.record({
      op: fc.constantFrom('and' as const, 'or' as const),
      args: fc.array(tie('predicate'), { maxLength: 3 }),
    }),
  ),
}));

for (const { name, isAvailable, open } of BACKENDS) {
  const describeIfAvailable = isAvailable ? describe : describe.skip;
  describeIfAvailable(`SqlMemoryStore on ${name}`, () => {
    let opened: TestDatabase;
    let database: SqlDatabase;
    let store: SqlMemoryStore;
    let scope: MemoryScope;
    let scopes = 0;

    beforeAll(async () => {
      opened = await open();
      ({ database } = opened);
      store = await SqlMemoryStore.open(database, SPACE);
    }, 60_000);
    afterAll(() => opened.close());
    beforeEach(() => {
      scope = { tenant: 'default', namespace: `test-${process.pid}-${Date.now()}-${scopes++}` };
    });

    function write(rows: readonly Row[], filter: Predicate = EVERY, into = scope): Promise<void> {
      const records = rows.map((row) => ({ text: `text of ${row.id}`, data: {}, vector: [1, 0, 0], ...row }));
      return store.write(into, { records, call: 'c1', filter }, never);
    }

    function query(
      filter: Predicate = EVERY,
      vector: readonly number[] = [1, 0, 0],
      k = 1000,
    ): Promise<readonly ScoredRecord[]> {
      return store.query(scope, { vector, k, filter }, never);
    }

    const get = (ids: readonly string[], filter: Predicate = EVERY, k = 100) =>
      store.get(scope, { ids, k, filter }, never);

    const idsOf = (records: readonly Row[]): string[] => records.map((record) => record.id);
    const row = (id: string, owner = 'a', labels: readonly string[] = [], vector = [1, 0, 0]): Row => ({
      id,
      owner,
      labels,
      vector,
    });

    it('orders by similarity, then by id, and returns no more than asked for', async () => {
      await write([row('far', 'a', [], [0, 1, 0]), row('b'), row('near', 'a', [], [3, 1, 0]), row('a')]);
      const found = await query(EVERY, [2, 0, 0], 3);
      expect(found.map(({ id, score }) => [id, score])).toEqual([
        ['a', 1],
        ['b', 1],
        ['near', 0.948683],
      ]);
    });

    it('gives back text and data exactly as written', async () => {
      const text = "nul \0, quote ', emoji 👩‍👩‍👧, \\u0000";
      const data = { 'a"b': [1, -2.5, 1e300, true, null, '\0\\'], nested: { ключ: 'значение' } };
      await store.write(
        scope,
        { records: [{ ...row('a', 'o', ['x', 'x', 'y']), text, data, vector: [1, 2, 3] }], call: 'c', filter: EVERY },
        never,
      );
      const written = { id: 'a', owner: 'o', labels: ['x', 'y'], text, data, call: 'c', writtenAt: expect.any(String) };
      await expect(query()).resolves.toEqual([{ ...written, score: 0.267261 }]);
      await expect(get(['a'])).resolves.toEqual([written]);
    });

    describe('by words', () => {
      const said = (id: string, text: string, owner = 'a', vector = [1, 0, 0]) => ({
        ...row(id, owner, [], vector),
        text,
      });
      const find = async (text: string, vector?: readonly number[], filter: Predicate = EVERY, k = 10) =>
        (await store.query(scope, { text, vector, k, filter }, never)).map(({ id, score }) => [id, score]);

      it('finds what has any of them, first what has more of them, and of equals what is shorter, then by id', async () => {
        await write([
          said('one', 'a refund was asked for'),
          said('none', 'the weather in May'),
          said('both', 'Refunds for late orders'),
          said('long', `refund ${'and so on '.repeat(50)}`),
          said('eno', 'asked: refund!'),
        ]);
        const found = await find('refunds of an order');
        expect(found.map(([id]) => id)).toEqual(['both', 'eno', 'one', 'long']);
        expect(found[1]?.[1]).toBe(found[2]?.[1]);
        expect(found.every(([, score]) => Number(score) > 0)).toBe(true);
      });

      it.each(['', 'of the and', '!!! \0 \ud800', "' | 'a' & !'b' \\ :* <->", 'a:*', '\u2019\u02bc'])(
        'takes %j for words alone, whatever they mean to the database',
        async (text) => {
          await write([said('a', text), said('b', 'b')]);
          const ids = (await find(text)).map(([id]) => id);
          // A record is found by its own text exactly when that has words in it.
          expect(ids).toEqual(toTsquery(text) === '' ? [] : expect.arrayContaining(['a']));
        },
      );

      it('fuses the places by words and by vector, of records that are in one list alone too', async () => {
        await write([
          said('near', 'nothing of it', 'a', [1, 0, 0]),
          said('both', 'a refund!', 'a', [2, 1, 0]),
          said('said', 'refund refund', 'a', [0, 1, 0]),
        ]);
        const place = (...places: number[]) =>
          Math.round(places.reduce((sum, each) => sum + 1 / (60 + each), 0) * 1e6) / 1e6;
        // The filter takes the hidden one out of both lists, so that it takes no place in them.
        await write([said('hidden', 'refund refund refund', 'b', [1, 0, 0])]);
        const seen: Predicate = { op: 'eq', field: 'owner', value: 'a' };
        await expect(find('refund', [1, 0, 0], seen)).resolves.toEqual([
          ['both', place(1, 2)],
          ['said', place(2, 3)],
          ['near', place(1)],
        ]);
        expect((await find('refund', [1, 0, 0], seen, 1)).map(([id]) => id)).toEqual(['both']);
        await expect(find('', [1, 0, 0], seen, 1)).resolves.toEqual([['near', place(1)]]);
      });

      it('gives records of one worth one place and one score', async () => {
        await write(['c', 'a', 'b'].map((id) => said(id, 'the same', id)));
        const found = await find('same', [1, 0, 0]);
        expect(found.map(([id]) => id)).toEqual(['a', 'b', 'c']);
        expect(new Set(found.map(([, score]) => score)).size).toBe(1);
      });

      it('finds a replaced record by its new words, and not by those that it had', async () => {
        await write([said('a', 'the old ones')]);
        await write([said('a', 'the young ones')]);
        await expect(find('old')).resolves.toEqual([]);
        expect(await find('young')).toHaveLength(1);
      });

      it('takes the longest text there may be, of as many different words as there may be', async () => {
        // One character of these becomes eighteen in compatibility form.
        const texts = [
          '\ufdfa'.repeat(32_768),
          Array.from({ length: 8_192 }, (_, n) => n.toString(36).padStart(3, 'z')).join(' '),
        ];
        await write(texts.map((text, index) => said(`t${index}`, text)));
        expect((await find(texts[1] ?? '')).map(([id]) => id)).toEqual(['t1']);
      });
    });

    it('lets through exactly the records that the predicate describes', async () => {
      const rows = NASTY.flatMap((nasty, index) => [
        row(nasty, NASTY[(index + 3) % NASTY.length], [nasty, 'a']),
        row(`a${nasty}b`, `a${nasty}b`, index % 3 === 0 ? [] : [nasty, `a${nasty}b`]),
      ]);
      await write(rows);
      await fc.assert(
        fc.asyncProperty(anyPredicate, async (filter) => {
          const found = idsOf(await query(filter)).sort();
          expect(found).toEqual(idsOf(rows.filter((one) => isMatch(filter, one))).sort());
        }),
        { numRuns: 150 },
      );
    }, 30_000);

    it('answers the same whether records that the filter excludes exist or not', async () => {
      const visible: Predicate = { op: 'eq', field: 'owner', value: 'mine' };
      const random = seeded(7);
      const vector = () => [random() - 0.5, random() - 0.5, random() - 0.5];
      await write(Array.from({ length: 40 }, (_, index) => row(`m${index}`, 'mine', [], vector())));
      const targets = Array.from({ length: 20 }, vector);
      const before = await Promise.all(targets.map((target) => query(visible, target, 10)));
      // Hidden records crowd every query.
      const hidden = targets.flatMap((target, group) =>
        Array.from({ length: 20 }, (_, index) => row(`h${group}-${index}`, 'other', [], target)),
      );
      for (let at = 0; at < hidden.length; at += 100) await write(hidden.slice(at, at + 100));
      const after = await Promise.all(targets.map((target) => query(visible, target, 10)));
      expect(JSON.stringify(after)).toBe(JSON.stringify(before));
    });

    it('computes the distance of the authorised records and of no other', async () => {
      await write(Array.from({ length: 90 }, (_, index) => row(`r${index}`, index % 9 === 0 ? 'mine' : 'other')));
      const counting = new CountingDatabase(database);
      const counted = await SqlMemoryStore.open(counting, SPACE);
      const filter: Predicate = { op: 'eq', field: 'owner', value: 'mine' };
      await counted.query(scope, { vector: [1, 2, 3], k: 5, filter }, never);
      expect(counting.distances).toBe(10);
    });

    it('keeps namespaces and tenants apart', async () => {
      await write([row('a')]);
      await write([row('a', 'b')], EVERY, { ...scope, tenant: 'other' });
      expect((await query()).map(({ owner }) => owner)).toEqual(['a']);
      await expect(
        store.query({ ...scope, namespace: `${scope.namespace}.x` }, { vector: [1, 0, 0], k: 5, filter: EVERY }, never),
      ).resolves.toEqual([]);
    });

    it('replaces a record of the same owner', async () => {
      await write([row('a', 'me', ['old'])]);
      await write([row('a', 'me', ['new']), row('b', 'me')]);
      expect((await query()).map(({ id, labels }) => [id, labels])).toEqual([
        ['a', ['new']],
        ['b', []],
      ]);
    });

    it('writes nothing when a record of the same owner exists that the filter excludes', async () => {
      await write([row('taken', 'me', ['locked'])]);
      const filter: Predicate = { op: 'not', arg: { op: 'contains', field: 'labels', value: 'locked' } };
      await expect(write([row('new', 'me'), row('taken', 'me')], filter)).rejects.toMatchObject({
        code: 'EXECUTOR_FAILED',
        message: 'the records cannot be written under these ids',
      });
      expect((await query()).map(({ id, owner, labels }) => [id, owner, labels])).toEqual([
        ['taken', 'me', ['locked']],
      ]);
    });

    it('gives records by id, those of every owner that the filter lets through', async () => {
      await write([row('a', 'them')]);
      await write([row('b', 'me'), row('a', 'me'), row('c', 'me', ['sealed'])]);
      const open: Predicate = { op: 'not', arg: { op: 'contains', field: 'labels', value: 'sealed' } };
      const found = await get(['c', 'b', 'a', 'absent'], open);
      expect(found.map(({ id, owner }) => [id, owner])).toEqual([
        ['a', 'me'],
        ['a', 'them'],
        ['b', 'me'],
      ]);
      expect(idsOf(await get(['b', 'a'], open, 2))).toEqual(['a', 'a']);
    });

    describe('in a namespace whose records expire', () => {
      const expiring = () => ({ ...scope, ttlSeconds: 60 });
      const inIt = { k: 10, filter: EVERY };
      /** Three records, of which `old` was written longer ago than the namespace keeps them. */
      beforeEach(async () => {
        await write([row('old', 'me', ['locked']), row('older', 'me'), row('new', 'me')]);
        await opened.admin(
          "update writ_memory_record set written_at = now() - interval '61 seconds' where namespace = $1 and id like 'old%'",
          [scope.namespace],
        );
      });

      it('shows, deletes and counts none that has expired, and shows it again when the time is longer', async () => {
        const vector = [1, 0, 0];
        expect(idsOf(await store.query(expiring(), { vector, ...inIt }, never))).toEqual(['new']);
        expect(idsOf(await store.get(expiring(), { ids: ['old', 'new'], ...inIt }, never))).toEqual(['new']);
        await expect(store.delete(expiring(), { ids: ['old', 'new'], filter: EVERY }, never)).resolves.toBe(1);
        expect(idsOf(await store.query({ ...scope, ttlSeconds: 3_600 }, { vector, ...inIt }, never))).toEqual([
          'old',
          'older',
        ]);
      });

      it('lets an id be written anew, whatever the filter says to the expired record', async () => {
        const filter: Predicate = { op: 'not', arg: { op: 'contains', field: 'labels', value: 'locked' } };
        await expect(write([row('old', 'me')], filter)).rejects.toMatchObject({ code: 'EXECUTOR_FAILED' });
        await write([row('old', 'me')], filter, expiring());
        expect(idsOf(await store.get(expiring(), { ids: ['old'], ...inIt }, never))).toEqual(['old']);
      });

      it('deletes what has expired, so many at a time, and nothing else', async () => {
        await expect(store.deleteExpired(scope, 10, never)).resolves.toBe(0);
        await expect(store.deleteExpired(expiring(), 1, never)).resolves.toBe(1);
        await expect(store.deleteExpired(expiring(), 10, never)).resolves.toBe(1);
        await expect(store.deleteExpired(expiring(), 10, never)).resolves.toBe(0);
        expect(idsOf(await query())).toEqual(['new']);
      });

      it('gives room for others in place of the expired ones', async () => {
        const limited = { ...expiring(), recordsPerAgentMax: 2 };
        await write([row('next', 'me')], EVERY, limited);
        await expect(write([row('third', 'me')], EVERY, limited)).rejects.toMatchObject({
          code: 'EXECUTOR_QUOTA_EXCEEDED',
        });
      });
    });

    it('gives an owner room for so many records, which those of others do not take, and writes none beyond', async () => {
      const limited = () => ({ ...scope, recordsPerAgentMax: 2 });
      await write([row('a', 'them'), row('b', 'them')], EVERY, limited());
      await write([row('a', 'me')], EVERY, limited());
      await expect(
        write([row('a', 'me', ['x']), row('b', 'me'), row('c', 'me')], EVERY, limited()),
      ).rejects.toMatchObject({
        code: 'EXECUTOR_QUOTA_EXCEEDED',
        message: `an agent may have 2 records in \`${scope.namespace}\`; delete some first`,
      });
      await write([row('a', 'me', ['y']), row('b', 'me')], EVERY, limited());
      expect((await query({ op: 'eq', field: 'owner', value: 'me' })).map(({ id, labels }) => [id, labels])).toEqual([
        ['a', ['y']],
        ['b', []],
      ]);
    });

    it('finds room for the last record once when two writes come at once', async () => {
      const limited = { ...scope, recordsPerAgentMax: 1 };
      const writes = await Promise.allSettled(['a', 'b', 'c'].map((id) => write([row(id, 'me')], EVERY, limited)));
      expect(writes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect(await query()).toHaveLength(1);
    });

    it('refuses two records of one id in a write', async () => {
      await expect(write([row('a'), row('a')])).rejects.toMatchObject({ code: 'EXECUTOR_FAILED' });
    });

    it('deletes what the filter lets through and does not tell absent from excluded', async () => {
      await write([row('mine', 'me'), row('theirs', 'them')]);
      const filter: Predicate = { op: 'eq', field: 'owner', value: 'me' };
      await expect(store.delete(scope, { ids: ['mine', 'theirs', 'absent'], filter }, never)).resolves.toBe(1);
      await expect(store.delete(scope, { ids: ['theirs'], filter }, never)).resolves.toBe(0);
      await expect(store.delete(scope, { ids: ['absent'], filter }, never)).resolves.toBe(0);
      expect(idsOf(await query())).toEqual(['theirs']);
    });

    it('refuses a vector of another dimension or without a direction', async () => {
      await expect(query(EVERY, [1, 2])).rejects.toMatchObject({ code: 'EXECUTOR_DIMENSION_MISMATCH' });
      await expect(query(EVERY, [0, 0, 0])).rejects.toMatchObject({ code: 'EXECUTOR_FAILED' });
      await expect(query(EVERY, [Number.NaN, 0, 0])).rejects.toMatchObject({ code: 'EXECUTOR_FAILED' });
    });

    it('takes a vector of any size', async () => {
      await write([row('a', 'a', [], [1e300, 0, 0]), row('b', 'a', [], [0, 1e-300, 0])]);
      expect((await query(EVERY, [1e308, 0, 0])).map(({ id, score }) => [id, score])).toEqual([
        ['a', 1],
        ['b', 0],
      ]);
    });

    it('refuses a namespace that another embedder wrote', async () => {
      await write([row('a')]);
      const other = await SqlMemoryStore.open(database, { id: 'another', dimensions: 3 });
      const expected = expect.objectContaining({ code: 'EXECUTOR_DIMENSION_MISMATCH' });
      await expect(other.query(scope, { vector: [1, 0, 0], k: 1, filter: EVERY }, never)).rejects.toEqual(expected);
      const records = [{ ...row('b'), text: 'b', data: {}, vector: [1, 0, 0] }];
      await expect(other.write(scope, { records, call: 'c', filter: EVERY }, never)).rejects.toEqual(expected);
    });

    it('does nothing for a caller that has given up', async () => {
      await write([row('a')]);
      const aborted = AbortSignal.abort();
      await expect(store.delete(scope, { ids: ['a'], filter: EVERY }, aborted)).rejects.toMatchObject({
        code: 'EXECUTOR_TIMEOUT',
      });
      expect(idsOf(await query())).toEqual(['a']);
    });

    it.each([
      ['no namespace is set', undefined],
      ['the namespace is another', 'elsewhere'],
    ])('shows no row to a statement of the executor when %s', async (_case, namespace) => {
      await write([row('a')]);
      const counts = await asExecutor(namespace, 'select count(*)::integer as n from writ_memory_record');
      expect(counts).toEqual([{ n: 0 }]);
    });

    it('lets no statement of the executor write into a namespace that it is not in', async () => {
      await write([row('a')]);
      const insert = `insert into writ_memory_record values ('default', '${scope.namespace}', 'x', 'o', '{}', '{}', '[1,0,0]', 'c')`;
      await expect(asExecutor('elsewhere', insert)).rejects.toThrow(/row-level security/);
    });

    async function asExecutor(namespace: string | undefined, statement: string) {
      const [{ assumesRole } = {}] = await opened.admin(
        'select exists (select from pg_roles where rolname = $1) as "assumesRole"',
        ['writ_memory'],
      );
      return database.transaction(async (session) => {
        if (assumesRole === true) await session.query("select set_config('role', 'writ_memory', true)");
        if (namespace !== undefined) {
          await session.query(
            "select set_config('writ.tenant', 'default', true), set_config('writ.namespace', $1, true)",
            [namespace],
          );
        }
        return session.query(statement);
      });
    }

    it('tells a failure of the database without its words', async () => {
      const broken: SqlDatabase = {
        ...fake(database),
        transaction: () => Promise.reject(new Error('relation "secret" broke')),
      };
      const failing = await SqlMemoryStore.open({ ...fake(database) }, SPACE);
      Object.assign(failing, { database: broken });
      await expect(failing.query(scope, { vector: [1, 0, 0], k: 1, filter: EVERY }, never)).rejects.toMatchObject({
        code: 'EXECUTOR_STORE_FAILED',
        message: 'the memory store failed',
      });
    });

    it('gives records of an earlier version the words by which they are found', async () => {
      await write([row('a'), { ...row('b', 'b'), text: 'nul \0 kettle \\u0000' }]);
      await opened.admin('alter table writ_memory_record drop column words');
      await opened.admin('delete from writ_memory_schema where version = 3');
      const upgraded = await SqlMemoryStore.open(database, SPACE);
      const found = await upgraded.query(scope, { text: 'kettles', k: 5, filter: EVERY }, never);
      expect(idsOf(found)).toEqual(['b']);
      await expect(asExecutor('elsewhere', 'select count(*)::integer as n from writ_memory_record')).resolves.toEqual([
        { n: 0 },
      ]);
    });

    it('refuses a schema of a later version', async () => {
      await database.query('insert into writ_memory_schema (version) values (999)');
      await expect(SqlMemoryStore.open(database, SPACE)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
      await database.query('delete from writ_memory_schema where version = 999');
    });
  });
}

function fake(database: SqlDatabase): SqlDatabase {
  return {
    query: (text, params) => database.query(text, params),
    transaction: (act, signal) => database.transaction(act, signal),
    close: () => database.close(),
  };
}

/** A small generator with a seed, so that a failure can be repeated. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
