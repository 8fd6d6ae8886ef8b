import type { Predicate, RecordTextField } from '#writ/contracts';
import { compileLike } from './like-pattern.js';

/** The record attributes that policies and predicates read. */
export interface RecordAttributes {
  readonly id: string;
  readonly owner: string;
  readonly labels: readonly string[];
}

export const TRUE: Predicate = { op: 'true' };
export const FALSE: Predicate = { op: 'false' };

export function and(args: readonly Predicate[]): Predicate {
  return join('and', args, TRUE, FALSE);
}

export function or(args: readonly Predicate[]): Predicate {
  return join('or', args, FALSE, TRUE);
}

export function not(arg: Predicate): Predicate {
  if (arg.op === 'true') return FALSE;
  if (arg.op === 'false') return TRUE;
  return arg.op === 'not' ? arg.arg : { op: 'not', arg };
}

/** Joins with the neutral element left out, the absorbing one taken alone, and nested joins of the same kind flattened. */
function join(op: 'and' | 'or', args: readonly Predicate[], neutral: Predicate, absorbing: Predicate): Predicate {
  const flat: Predicate[] = [];
  for (const arg of args) {
    if (arg.op === op) flat.push(...arg.args);
    else flat.push(arg);
  }
  const kept = flat.filter((arg) => arg.op !== neutral.op);
  if (kept.some((arg) => arg.op === absorbing.op)) return absorbing;
  return kept.length > 1 ? { op, args: kept } : (kept[0] ?? neutral);
}

/** Whether the predicate lets the record through: the meaning that every translation of it has to keep. */
export function evaluatePredicate(predicate: Predicate, record: RecordAttributes): boolean {
  const text = (field: RecordTextField): string => record[field];
  const { labels } = record;
  switch (predicate.op) {
    case 'true':
      return true;
    case 'false':
      return false;
    case 'and':
      return predicate.args.every((arg) => evaluatePredicate(arg, record));
    case 'or':
      return predicate.args.some((arg) => evaluatePredicate(arg, record));
    case 'not':
      return !evaluatePredicate(predicate.arg, record);
    case 'eq':
      return text(predicate.field) === predicate.value;
    case 'oneOf':
      return predicate.values.includes(text(predicate.field));
    case 'like':
      return compileLike(predicate.pattern)(text(predicate.field));
    case 'contains':
      return labels.includes(predicate.value);
    case 'containsAny':
      return predicate.values.some((value) => labels.includes(value));
    case 'containsAll':
      return predicate.values.every((value) => labels.includes(value));
    case 'subsetOf':
      return labels.every((label) => predicate.values.includes(label));
    case 'isEmpty':
      return labels.length === 0;
  }
}
