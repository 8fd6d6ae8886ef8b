/** A row as the database gives it; the store knows the types of the columns that it asked for. */
export type SqlRow = Readonly<Record<string, unknown>>;
/** What may be bound to a parameter. Values are always bound; SQL text never holds one. */
export type SqlValue = string | number | readonly string[];

/** SQL, or a part of it, with its values as parameters. */
export interface SqlText {
  readonly text: string;
  readonly params: readonly SqlValue[];
}

export interface SqlSession {
  query(text: string, params?: readonly SqlValue[]): Promise<readonly SqlRow[]>;
}

/**
 * A PostgreSQL (15 or newer) with pgvector. `transaction` commits what `act` did, or rolls all of it back when `act` throws
 * or the signal fires first.
 */
export interface SqlDatabase extends SqlSession {
  transaction<T>(act: (session: SqlSession) => Promise<T>, signal?: AbortSignal): Promise<T>;
  close(): Promise<void>;
}
