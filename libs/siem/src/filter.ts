import type { ReadLeaf } from './leaf.js';
import { rowOf } from './row-of.js';

/** What a sink gets. Each criterion that is given must hold. */
export interface SinkFilter {
  /** Types of entries, exact or as `tool.*`. */
  readonly types?: readonly string[] | undefined;
  readonly agents?: readonly string[] | undefined;
  /** `allow`, `deny`, `ok` or `error`, of entries that have such an outcome. */
  readonly decisions?: readonly string[] | undefined;
}

/** From this severity on a record passes every filter: nobody can filter an alarm away. */
const ALWAYS = 4;

/** Whether the leaf goes to a sink with that filter. What cannot be read goes to every sink. */
export function passes(leaf: ReadLeaf, filter: SinkFilter): boolean {
  const { known } = leaf;
  if (known === undefined) return true;
  const { facts, type } = known;
  const { types, agents, decisions } = filter;
  const isWanted =
    (types === undefined || types.some((pattern) => matches(pattern, type))) &&
    (agents === undefined || isIn(agents, facts.who?.agent)) &&
    (decisions === undefined || isIn(decisions, facts.eff?.d));
  return isWanted || rowOf(type, facts).severity >= ALWAYS;
}

function isIn(list: readonly string[], value: string | undefined): boolean {
  return value !== undefined && list.includes(value);
}

function matches(pattern: string, type: string): boolean {
  return pattern.endsWith('*') ? type.startsWith(pattern.slice(0, -1)) : pattern === type;
}
