import type { CommandBody, JsonObject, Predicate } from '#writ/contracts';
import { toFault } from '#writ/faults';
import { CountingDatabase, STORES, type TestDatabase } from './databases.fixture.js';
import type { Embedder } from './embedder.js';
import { toTsvector } from './lexemes.js';
import { MemoryRunner } from './memory-runner.js';
import type { SqlDatabase } from './sql-database.js';
import { SqlMemoryStore } from './sql-memory-store.js';

const DIMENSIONS = 8;
const VISIBLE = 60;
const HIDDEN = 3_000;
const never = new AbortController().signal;
/** What the policies let the agent of these tests see. */
const SEEN: Predicate = {
  op: 'or',
  args: [
    { op: 'eq', field: 'owner', value: 'mine' },
    { op: 'contains', field: 'labels', value: 'public' },
  ],
};

type Random = () => number;

/** A generator with a seed, so that a failure can be repeated. */
function seeded(seed: number): Random {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Some words are rare and some are common, and among hidden records it is the other way round. */
function saidIn(id: string): string {
  const isSeen = id.startsWith('s') && Number(id.slice(1)) < VISIBLE;
  const nth = Number(id.slice(1));
  return ['plans', `of ${id}`, nth % (isSeen ? 7 : 2) === 0 ? 'merger' : '', nth % 3 === 0 ? 'secret secret' : '']
    .join(' ')
    .trim();
}

const vectorOf = (random: Random) => Array.from({ length: DIMENSIONS }, () => random() - 0.5);

/** Its vectors are drawn from the text, so that a query by text is as good as one by a vector. */
const embedder: Embedder = {
  id: 'drawn',
  dimensions: DIMENSIONS,
  embed: async (texts) => ({ vectors: texts.map((text) => vectorOf(seeded(text.length * 31 + text.charCodeAt(0)))) }),
};

for (const { name, isAvailable, open } of STORES) {
  const describeIfAvailable = isAvailable ? describe : describe.skip;
  describeIfAvailable(`records that the filter excludes, on ${name},`, () => {
    let opened: TestDatabase;
    let counting: CountingDatabase;
    let runner: MemoryRunner;
    let calls = 0;

    beforeAll(async () => {
      opened = await open();
      counting = new CountingDatabase(opened.database);
      runner = new MemoryRunner({ store: await SqlMemoryStore.open(counting, embedder), embedder });
    }, 60_000);
    afterAll(() => opened.close());

    /** One approved command in a namespace, as an agent sees it end. */
    async function run(namespace: string, kind: CommandBody['kind'], args: JsonObject): Promise<unknown> {
      const command: CommandBody = {
        tenant: 'default',
        agent: 'mine',
        call: `call-${calls++}`,
        kind,
        executor: 'memory',
        delivery: 'once',
        pool: 'default',
        resource: namespace,
        dig: 'sha256:0',
        args,
        obligations: [],
        filter: SEEN,
        takeBy: 1,
        finishBy: 2,
        reply: '_R_.x',
      };
      try {
        return told((await runner.run(command, never, () => undefined)).output);
      } catch (error) {
        const { code, message } = toFault(error);
        return { code, message };
      }
    }

    /** Calls and times differ from one namespace to the other; all else that is told must not. */
    const told = (output: unknown): unknown =>
      JSON.parse(JSON.stringify(output, (key, value: unknown) => (['call', 'writtenAt'].includes(key) ? '' : value)));

    /** Records of an owner, straight into the table: thousands of them in a moment. */
    async function insert(
      namespace: string,
      owner: string,
      rows: readonly { id: string; vector: readonly number[] }[],
    ) {
      await opened.admin(`insert into writ_memory_namespace values ('default', $1, $2, $3) on conflict do nothing`, [
        namespace,
        embedder.id,
        DIMENSIONS,
      ]);
      await opened.admin(
        `insert into writ_memory_record (tenant, namespace, id, owner, labels, doc, embedding, call, words)
         select 'default', $1, id, $2, '{}', json_build_object('text', said, 'data', json_build_object()), v::vector, 'c', words::tsvector
         from unnest($3::text[], $4::text[], $5::text[], $6::text[]) as given (id, v, said, words)`,
        [
          namespace,
          owner,
          rows.map(({ id }) => id),
          rows.map(({ vector }) => `[${vector.join(',')}]`),
          rows.map(({ id }) => saidIn(id)),
          rows.map(({ id }) => toTsvector(saidIn(id))),
        ],
      );
    }

    /** Everything that an agent can try in a namespace, and what it is told each time. */
    async function tryEverything(namespace: string, seed: number): Promise<readonly unknown[]> {
      const random = seeded(seed);
      const said: unknown[] = [];
      const attempt = async (kind: CommandBody['kind'], args: JsonObject) =>
        said.push(await run(namespace, kind, args));
      for (const k of [1, 10, 100]) {
        for (let nth = 0; nth < 4; nth++) await attempt('memory.query', { vector: vectorOf(random), k });
        await attempt('memory.query', { text: 'what is hidden', k });
        for (const search of ['text', 'hybrid'])
          for (const text of ['a secret merger', 'the secret of s7 and h7', 'of the', 'unheard'])
            await attempt('memory.query', { text, search, k });
        await attempt('memory.query', { text: 'merger plans', vector: vectorOf(random), k });
        await attempt('memory.query', {
          vector: vectorOf(random),
          k,
          where: { op: 'like', field: 'id', pattern: ['s', null] },
        });
      }
      const ids = ['s1', 's2', 'h1', 'h2', 'absent'];
      await attempt('memory.query', { ids, k: 100 });
      await attempt('memory.query', { ids: ['h7', 's7'], k: 1 });
      await attempt('memory.query', { vector: [1, 2, 3], k: 5 });
      await attempt('memory.query', { vector: vectorOf(random).map(() => 0), k: 5 });
      await attempt('memory.write', { records: [{ id: 'h1', text: 'under a hidden id', labels: [] }] });
      await attempt('memory.write', { records: [{ id: 's3', text: 'under an own id', labels: ['changed'] }] });
      await attempt('memory.write', { records: ['h2', 'h2'].map((id) => ({ id, text: 'twice', labels: [] })) });
      await attempt('memory.query', { ids, k: 100 });
      await attempt('memory.delete', { ids: ['s1', 'h2', 'h3', 'absent'] });
      await attempt('memory.delete', { ids: ['s2', 's4', 'h1'], where: { op: 'eq', field: 'id', value: 's4' } });
      await attempt('memory.query', { text: 'what is left', k: 100 });
      return said;
    }

    it.each([1, 2])(
      `change no id, order, score, count or error when there are ${HIDDEN} of them: seed %i`,
      async (seed) => {
        const random = seeded(seed);
        const [without, among] = [`without-${seed}`, `among-${seed}`];
        const seen = Array.from({ length: VISIBLE }, (_, index) => ({ id: `s${index}`, vector: vectorOf(random) }));
        // They crowd around what the agent looks for, and half of them stand under ids that are its own elsewhere.
        const targets = seeded(seed + 100);
        const hidden = Array.from({ length: HIDDEN }, (_, index) => ({
          id: `${index % 2 === 0 ? 'h' : 's'}${index}`,
          vector: vectorOf(index < HIDDEN / 2 ? targets : random),
        }));
        for (const namespace of [without, among]) await insert(namespace, 'mine', seen);
        await insert(among, 'theirs', hidden);
        const answers = await tryEverything(without, seed + 100);
        await expect(tryEverything(among, seed + 100)).resolves.toEqual(answers);
        expect(
          answers.filter((answer) => typeof answer === 'object' && answer !== null && 'code' in answer),
        ).toHaveLength(3);
        const [left] = await opened.admin(
          "select count(*)::integer as n from writ_memory_record where namespace = $1 and owner = 'theirs'",
          [among],
        );
        expect(left?.['n']).toBe(HIDDEN);
      },
      30_000,
    );

    it('cost no distance: as many are computed as there are authorised records, and none to read by id', async () => {
      const distances = (): number => counting.distances;
      const random = seeded(9);
      const rows = (letter: string, n: number) =>
        Array.from({ length: n }, (_, index) => ({ id: `${letter}${index}`, vector: vectorOf(random) }));
      await insert('counted', 'mine', rows('s', VISIBLE));
      await insert('counted', 'theirs', rows('h', HIDDEN));
      const before = distances();
      await run('counted', 'memory.query', { vector: vectorOf(random), k: 5 });
      expect(distances() - before).toBe(VISIBLE);
      await run('counted', 'memory.query', {
        vector: vectorOf(random),
        k: 5,
        where: { op: 'eq', field: 'id', value: 's1' },
      });
      expect(distances() - before).toBe(VISIBLE + 1);
      await run('counted', 'memory.query', { ids: ['s1', 'h1'], k: 5 });
      await run('counted', 'memory.query', { text: 'a secret merger', search: 'text', k: 5 });
      expect(distances() - before).toBe(VISIBLE + 1);
      await run('counted', 'memory.query', { text: 'a secret merger', search: 'hybrid', k: 5 });
      expect(distances() - before).toBe(2 * VISIBLE + 1);
    });

    it('are in no approximate index that a query could take, also when somebody made one', async () => {
      await insert('indexed', 'mine', [{ id: 'a', vector: [1, 0, 0, 0, 0, 0, 0, 0] }]);
      const plans: string[] = [];
      const explaining = planningDatabase(opened.database, plans);
      const store = await SqlMemoryStore.open(explaining, embedder);
      // An index over thousands of records takes seconds to make, and one over one record is as good here.
      await opened.admin("delete from writ_memory_record where namespace <> 'indexed'");
      await opened.admin(`alter table writ_memory_record alter column embedding type vector(${DIMENSIONS})`);
      await opened.admin(
        'create index made_by_somebody on writ_memory_record using hnsw (embedding vector_cosine_ops)',
      );
      // With sequential scans made dear, the planner takes an index wherever one can answer.
      await opened.database.query('set enable_seqscan = off');
      const nearest = 'select id from writ_memory_record order by embedding <=> $1::vector limit 3';
      const control = await opened.database.query(`explain ${nearest}`, ['[1,0,0,0,0,0,0,0]']);
      expect(JSON.stringify(control)).toContain('made_by_somebody');
      const scope = { tenant: 'default', namespace: 'indexed' };
      await store.query(scope, { vector: [1, 0, 0, 0, 0, 0, 0, 0], k: 3, filter: SEEN }, never);
      await store.query(scope, { vector: [1, 0, 0, 0, 0, 0, 0, 0], text: 'a', k: 3, filter: SEEN }, never);
      await store.get(scope, { ids: ['a'], k: 3, filter: SEEN }, never);
      expect(plans.filter((plan) => plan.includes('writ_memory_record'))).toHaveLength(3);
      expect(plans.join('\n')).not.toContain('made_by_somebody');
    });
  });
}

/** The database, and the plan of each statement that reads records. */
function planningDatabase(database: SqlDatabase, plans: string[]): SqlDatabase {
  return {
    query: (text, params) => database.query(text, params),
    transaction: (act, signal) =>
      database.transaction(
        (session) =>
          act({
            query: async (text, params) => {
              if (/from writ_memory_record/.test(text)) {
                plans.push(JSON.stringify(await session.query(`explain ${text}`, params)));
              }
              return session.query(text, params);
            },
          }),
        signal,
      ),
    close: () => database.close(),
  };
}
