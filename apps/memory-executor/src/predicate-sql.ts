import type { Predicate, RecordSetField, RecordTextField } from '#writ/contracts';
import { Fault } from '#writ/faults';
import type { SqlText, SqlValue } from './sql-database.js';

const DEPTH_MAX = 64;
const NODES_MAX = 4_000;

/** Only these become SQL text. Comparison is by code point (`COLLATE "C"`), as Cedar compares, whatever the database's locale. */
const TEXT_COLUMNS: Readonly<Record<RecordTextField, string>> = {
  id: 'm.id collate "C"',
  owner: 'm.owner collate "C"',
};
const SET_COLUMNS: Readonly<Record<RecordSetField, string>> = { labels: 'm.labels' };

/**
 * Translates a predicate to a condition on the table alias `m`. `firstParam` is the number of its first parameter. Every column
 * is NOT NULL, so SQL's three-valued logic never comes up and the condition is exact. Throws COMMAND_MALFORMED when the
 * predicate is larger than PostgreSQL should be asked to plan.
 */
export function toSql(predicate: Predicate, firstParam: number): SqlText {
  const translation = new Translation(firstParam);
  return { text: translation.condition(predicate, 1), params: translation.params };
}

class Translation {
  readonly params: SqlValue[] = [];
  #nodes = 0;

  constructor(private readonly firstParam: number) {}

  condition(predicate: Predicate, depth: number): string {
    if (depth > DEPTH_MAX || ++this.#nodes > NODES_MAX) {
      throw new Fault('COMMAND_MALFORMED', `the filter has more than ${NODES_MAX} parts or ${DEPTH_MAX} levels`);
    }
    switch (predicate.op) {
      case 'true':
      case 'false':
        return predicate.op;
      case 'and':
        return this.#join(predicate.args, ' and ', depth) ?? 'true';
      case 'or':
        return this.#join(predicate.args, ' or ', depth) ?? 'false';
      case 'not':
        return `(not ${this.condition(predicate.arg, depth + 1)})`;
      case 'eq':
        return this.#when(
          isStorable(predicate.value),
          () => `${TEXT_COLUMNS[predicate.field]} = ${this.#text(predicate.value)}`,
        );
      case 'oneOf':
        return `(${TEXT_COLUMNS[predicate.field]} = any (${this.#array(predicate.values)}))`;
      case 'like':
        return this.#like(predicate.field, predicate.pattern);
      case 'contains':
        return this.#when(
          isStorable(predicate.value),
          () => `${this.#text(predicate.value)} = any (${SET_COLUMNS[predicate.field]})`,
        );
      case 'containsAny':
        return `(${SET_COLUMNS[predicate.field]} && ${this.#array(predicate.values)})`;
      case 'containsAll':
        return this.#when(
          predicate.values.every(isStorable),
          () => `${SET_COLUMNS[predicate.field]} @> ${this.#array(predicate.values)}`,
        );
      case 'subsetOf':
        return `(${SET_COLUMNS[predicate.field]} <@ ${this.#array(predicate.values)})`;
      case 'isEmpty':
        return `(cardinality(${SET_COLUMNS[predicate.field]}) = 0)`;
    }
  }

  #join(args: readonly Predicate[], operator: string, depth: number): string | undefined {
    if (args.length === 0) return undefined;
    return `(${args.map((arg) => this.condition(arg, depth + 1)).join(operator)})`;
  }

  #like(field: RecordTextField, pattern: readonly (string | null)[]): string {
    const isPossible = pattern.every((piece) => piece === null || isStorable(piece));
    const escaped = pattern.map((piece) => (piece === null ? '%' : piece.replaceAll(/[\\%_]/g, '\\$&'))).join('');
    return this.#when(isPossible, () => `${TEXT_COLUMNS[field]} like ${this.#text(escaped)}`);
  }

  #when(isPossible: boolean, condition: () => string): string {
    return isPossible ? `(${condition()})` : 'false';
  }

  #text(value: string): string {
    return `${this.#bind(value)}::text`;
  }

  /** A value that no column can hold equals none of them, so leaving it out of "any of these" changes nothing. */
  #array(values: readonly string[]): string {
    return `${this.#bind(values.filter(isStorable))}::text[]`;
  }

  #bind(value: SqlValue): string {
    this.params.push(value);
    return `$${this.firstParam + this.params.length - 1}`;
  }
}

/** PostgreSQL text has no U+0000, and half a surrogate pair would be sent as another character. */
function isStorable(value: string): boolean {
  return !value.includes('\0') && value.isWellFormed();
}
