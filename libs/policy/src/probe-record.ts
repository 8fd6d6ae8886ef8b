import type { Predicate } from '#writ/contracts';
import type { FilterPlan, FilterRequest } from './filter.js';
import { RECORD_TYPE } from './outcome.js';
import type { PolicySet } from './policy-set.js';
import { evaluatePredicate, type RecordAttributes } from './predicates.js';

/** What of a question over records a record to try it on is made from. */
export interface Planned {
  readonly set: PolicySet;
  readonly request: FilterRequest;
  readonly plan: FilterPlan;
}

/** Policies of a set whose texts are looked through for values, and values that are taken of each kind. */
const POLICIES_MAX = 64;
const VALUES_MAX = 64;
const TRIES_MAX = 32;

/** Whether the plan lets the record through. */
export function letsThrough(plan: FilterPlan, record: RecordAttributes): boolean {
  return plan.kind === 'all' || (plan.kind === 'some' && evaluatePredicate(plan.predicate, record));
}

/**
 * A record that need not exist, to hold a plan against a decision about it. Its values are those that the predicate and the policies in
 * scope compare with, its owner often the one who asks, and some are none of these; about as many records pass as do not. The same
 * seed, an unsigned integer of 32 bits, gives the same record.
 */
export function probeRecord(planned: Planned, seed: number): RecordAttributes {
  const { plan } = planned;
  const random = randomOf(seed);
  const values = valuesOf(planned);
  const isWanted = random() < 0.5;
  let record = recordFrom(values, random);
  for (let tries = 1; tries < TRIES_MAX && letsThrough(plan, record) !== isWanted; tries += 1) {
    record = recordFrom(values, random);
  }
  return record;
}

/** Values by where they are compared; `any` are those of which that is not known. */
interface Values {
  readonly id: Set<string>;
  readonly owner: Set<string>;
  readonly labels: Set<string>;
  readonly any: Set<string>;
}

function valuesOf({ set, request, plan }: Planned): Values {
  const values: Values = { id: new Set(), owner: new Set(), labels: new Set(), any: new Set() };
  if (plan.kind === 'some') addPredicate(plan.predicate, values);
  values.owner.add(request.principal.id);
  const { store } = set;
  const resource = store.anyBelow(RECORD_TYPE, request.parent);
  const { forbids, permits } = set.candidates(store.find(request.principal), store.find(request.action), resource);
  for (const { source } of [...forbids.slice(0, POLICIES_MAX), ...permits.slice(0, POLICIES_MAX)]) {
    // Of the text, which Cedar goes by, and not of the form that is compiled from it.
    for (const [, literal = ''] of source.text.matchAll(/"([^"\\]*)"/g)) add(values.any, literal);
  }
  return values;
}

function addPredicate(predicate: Predicate, values: Values): void {
  switch (predicate.op) {
    case 'true':
    case 'false':
    case 'isEmpty':
      return;
    case 'and':
    case 'or':
      predicate.args.forEach((arg) => addPredicate(arg, values));
      return;
    case 'not':
      addPredicate(predicate.arg, values);
      return;
    case 'eq':
    case 'contains':
      add(values[predicate.field], predicate.value);
      return;
    case 'like':
      add(values[predicate.field], predicate.pattern.map((part) => part ?? '').join(''));
      add(values[predicate.field], predicate.pattern.map((part) => part ?? 'x').join(''));
      return;
    case 'oneOf':
    case 'containsAny':
    case 'containsAll':
    case 'subsetOf':
      predicate.values.forEach((value) => add(values[predicate.field], value));
  }
}

function add(found: Set<string>, value: string): void {
  if (found.size < VALUES_MAX) found.add(value);
}

function recordFrom({ id, owner, labels, any }: Values, random: () => number): RecordAttributes {
  const fresh = `probe-${Math.floor(random() * 1_000)}`;
  const text = (fitting: ReadonlySet<string>): string => {
    const isFitting = random() < 0.7;
    const chosen = [...(isFitting && fitting.size > 0 ? fitting : any), fresh];
    return chosen[Math.floor(random() * chosen.length)] ?? fresh;
  };
  const share = random();
  const chosen = [...new Set([...labels, ...any, fresh])].filter(() => random() < share);
  return { id: text(id), owner: text(owner), labels: random() < 0.1 ? [] : chosen };
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
