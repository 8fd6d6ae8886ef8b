import { toTsvector } from './lexemes.js';
import type { SqlSession } from './sql-database.js';

const BATCH_RECORDS = 500;

/**
 * Gives the records that were written before there was full-text search the words by which they are found. The owner of the table is
 * let past row-level security meanwhile, in a transaction whose lock keeps everybody else out.
 */
export async function indexWords(session: SqlSession): Promise<void> {
  await session.query('alter table writ_memory_record no force row level security');
  let after = ['', '', '', ''];
  for (;;) {
    const rows = await session.query(
      `select tenant, namespace, owner, id, doc::text as doc from writ_memory_record
       where (tenant, namespace, owner, id) > ($1, $2, $3, $4) order by tenant, namespace, owner, id limit $5::int`,
      [...after, BATCH_RECORDS],
    );
    if (rows.length === 0) break;
    const columns = ['tenant', 'namespace', 'owner', 'id'].map((column) => rows.map((row) => String(row[column])));
    const words = rows.map((row) => toTsvector(textOf(String(row['doc']))));
    await session.query(
      `update writ_memory_record m set words = given.words::tsvector
       from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) as given (tenant, namespace, owner, id, words)
       where (m.tenant, m.namespace, m.owner, m.id) = (given.tenant, given.namespace, given.owner, given.id)`,
      [...columns, words],
    );
    after = columns.map((column) => column.at(-1) ?? '');
  }
  await session.query('alter table writ_memory_record force row level security');
}

/** The document is as the store wrote it: JSON that PostgreSQL itself cannot always read, for it may have U+0000 in it. */
function textOf(doc: string): string {
  return (JSON.parse(doc) as { readonly text: string }).text;
}
