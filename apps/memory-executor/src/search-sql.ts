import type { MemoryScope, QueryRequest } from './memory-store.js';
import { conditionOf } from './namespace-limits.js';
import type { SqlText, SqlValue } from './sql-database.js';

/** As the authors of reciprocal rank fusion propose (Cormack, Clarke and Büttcher, SIGIR 2009). */
const RANK_CONSTANT = 60;
/** How deep each of the two lists is that a hybrid search fuses: twice as many as can be asked for. */
const FUSED_PLACES = 200;

/** What a search compares records with, as literals of `vector` and `tsquery`. */
interface Compared {
  readonly vector?: string | undefined;
  readonly words?: string | undefined;
}

/**
 * The statement that finds and scores, best first, at most `k`: `owner`, `id` and `score`. By a vector the score is the cosine
 * similarity; by words PostgreSQL's `ts_rank`, which depends on the record and the words alone: how frequent a word is among records
 * that are excluded changes nothing. By both, each list gives a record 1 / (60 + its place), places of the authorised records only.
 */
export function searchStatement(
  scope: MemoryScope,
  request: Omit<QueryRequest, 'vector' | 'text'>,
  { vector, words }: Compared,
): SqlText {
  const params: SqlValue[] = [scope.tenant, scope.namespace, request.k];
  const bind = (value: string | undefined): string => `$${value === undefined ? 0 : params.push(value)}`;
  const [near, said] = [bind(vector), bind(words)];
  const filter = conditionOf(scope, request.filter, params.length + 1);
  params.push(...filter.params);
  // The filter stands in the WHERE of each statement that scores, so the distance of an excluded record is never computed.
  const from = `from writ_memory_record m where m.tenant = $1 and m.namespace = $2 and ${filter.text}`;
  // "+ 0" keeps an approximate index out, should somebody make one: its graph would span records that are excluded.
  const byVector = (limit: string): string =>
    `select m.owner, m.id, (m.embedding <=> ${near}::vector) + 0 as distance ${from}
     order by distance, m.id, m.owner limit ${limit}`;
  // 1: a long record is worth less than a short one that says the words as often.
  const byWords = (limit: string): string =>
    `select m.owner, m.id, ts_rank(m.words, ${said}::tsquery, 1)::float8 as score ${from} and m.words @@ ${said}::tsquery
     order by score desc, m.id, m.owner limit ${limit}`;
  if (words === undefined)
    return { text: `select owner, id, 1 - distance as score from (${byVector('$3::int')}) n`, params };
  if (vector === undefined) return { text: byWords('$3::int'), params };
  const text = `select owner, id, sum(1.0::float8 / (${RANK_CONSTANT} + place)) as score from (
      select owner, id, rank() over (order by distance) as place from (${byVector(String(FUSED_PLACES))}) n
      union all
      select owner, id, rank() over (order by score desc) from (${byWords(String(FUSED_PLACES))}) s) places
    group by owner, id order by score desc, id, owner limit $3::int`;
  return { text, params };
}
