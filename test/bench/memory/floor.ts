import type { HashingEmbedder } from '../../../apps/memory-executor/src/hashing-embedder.js';
import { seeded, textOf } from './texts.js';

/** Runs a statement as a superuser, each in a transaction of its own. */
export type Bare = (text: string, params: readonly (string | number)[]) => Promise<readonly object[]>;

export const OPERATIONS = ['write', 'get', 'vector', 'text', 'hybrid'] as const;
export type Operation = (typeof OPERATIONS)[number];
type Floor = Readonly<Record<Operation, (n: number) => Promise<void>>>;

const COLUMNS = 'id, owner, labels, doc::text, call, written_at';
const WHERE = "from writ_memory_record where tenant = 'default' and namespace = $1";

/** What somebody would write who lets everybody see everything: one statement an operation, two for a hybrid search. */
export async function floorOf(
  bare: Bare,
  { namespace, embedder, k }: { readonly namespace: string; readonly embedder: HashingEmbedder; readonly k: number },
): Promise<Floor> {
  const vectors = await Promise.all(Array.from({ length: 200 }, (_, n) => vectorOf(embedder, textOf(seeded(n + 7)))));
  const vector = (n: number) => vectors[n % vectors.length] ?? '';
  const nearest = (n: number) =>
    bare(`select ${COLUMNS}, embedding <=> $2::vector as d ${WHERE} order by d limit $3`, [namespace, vector(n), k]);
  const worded = (n: number) => {
    const words = textOf(seeded(n + 7))
      .split(' ')
      .map((word) => `'${word}'`)
      .join(' | ');
    return bare(
      `select ${COLUMNS}, ts_rank(words, $2::tsquery, 1) as r ${WHERE} and words @@ $2::tsquery order by r desc limit $3`,
      [namespace, words, k],
    );
  };
  return {
    write: async (n) => {
      await bare(
        `insert into writ_memory_record (tenant, namespace, id, owner, labels, doc, embedding, call)
         values ('default', $1, $2, 'floor', '{}', '{"text":"x","data":{}}', $3::vector, 'c')
         on conflict (tenant, namespace, owner, id) do update set embedding = excluded.embedding`,
        [namespace, `floor-${n}`, vector(n)],
      );
    },
    get: async (n) => {
      await bare(`select ${COLUMNS} ${WHERE} and id = $2`, [namespace, `r${n}`]);
    },
    vector: async (n) => {
      await nearest(n);
    },
    text: async (n) => {
      await worded(n);
    },
    hybrid: async (n) => {
      await nearest(n);
      await worded(n);
    },
  };
}

async function vectorOf(embedder: HashingEmbedder, text: string): Promise<string> {
  return `[${Array.from((await embedder.embed([text])).vectors[0] ?? []).join(',')}]`;
}
