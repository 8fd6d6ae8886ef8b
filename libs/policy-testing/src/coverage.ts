import { type Question, questionsOf, type Rules } from '#writ/authorisation';
import {
  clausePlaces,
  type FilterRequest,
  type PolicySet,
  type PolicyTrace,
  recordEntity,
  traceClauses,
  traceFilter,
} from '#writ/policy';
import type { TestResult } from './run-test.js';

/** Something in the policies that made no difference to any test. */
export interface Uncovered {
  readonly id: string;
  readonly file: string;
  readonly line: number;
  readonly col: number;
  /** The condition; absent when it is the policy as a whole that decided nothing. */
  readonly clause?: string;
}

export interface CoverageReport {
  readonly policies: { readonly decided: number; readonly total: number };
  readonly clauses: { readonly decided: number; readonly total: number };
  /** Of policies and conditions together, 0 to 100, rounded down. */
  readonly percent: number;
  readonly never: readonly Uncovered[];
}

/**
 * Which policies and which of their conditions have decided something. A policy has when it is among those that decide. A
 * condition has when it alone kept its policy from firing, or when it became part of a filter: then taking it away would have
 * changed an answer.
 */
export class Coverage {
  readonly #policies = new Set<string>();
  readonly #clauses = new Map<string, Set<number>>();

  constructor(private readonly rules: Rules) {}

  add({ test, outcome }: TestResult): void {
    if (outcome.effect === 'refused') return;
    const enforced = new Set(this.rules.policies.policies.map(({ place }) => place.id));
    // A policy of the second set can decide too, when it cannot be evaluated; what is counted here is the first.
    for (const { id } of outcome.policies) if (enforced.has(id)) this.#policies.add(id);
    const { agent, callsToday, nowMs } = test.circumstances;
    const asker = { agent, session: { callsToday }, nowMs };
    const narrowing = outcome.filter?.op === 'true' ? [] : outcome.policies.map(({ id }) => id);
    for (const question of questionsOf(test.request, asker, this.rules)) {
      for (const trace of tracesOf(this.rules.policies, question, test.rows)) {
        if (trace.onlyFailed !== undefined) this.#mark(trace.id, trace.onlyFailed);
        if (narrowing.includes(trace.id)) trace.deferred.forEach((index) => this.#mark(trace.id, index));
      }
    }
  }

  report(): CoverageReport {
    const { policies } = this.rules.policies;
    const places = policies.map((policy) => ({ policy, clauses: clausePlaces(policy) }));
    const total = places.reduce((sum, { clauses }) => sum + clauses.length, 0);
    const decided = [...this.#clauses.values()].reduce((sum, indices) => sum + indices.size, 0);
    const all = policies.length + total;
    const never = places.flatMap(({ policy: { place }, clauses }): readonly Uncovered[] => {
      const { id, file, line, col } = place;
      const covered = this.#clauses.get(id);
      const missed = clauses
        .filter((_, index) => covered?.has(index) !== true)
        .map((clause) => ({ id, file: clause.file, line: clause.line, col: clause.col, clause: clause.text }));
      return this.#policies.has(id) ? missed : [{ id, file, line, col }, ...missed];
    });
    return {
      policies: { decided: this.#policies.size, total: policies.length },
      clauses: { decided, total },
      percent: all === 0 ? 100 : Math.floor((100 * (this.#policies.size + decided)) / all),
      never,
    };
  }

  #mark(id: string, clause: number): void {
    const known = this.#clauses.get(id);
    if (known === undefined) this.#clauses.set(id, new Set([clause]));
    else known.add(clause);
  }
}

function tracesOf(set: PolicySet, question: Question, rows: TestResult['test']['rows']): readonly PolicyTrace[] {
  if (question.kind === 'decide') return traceClauses(set, question.request);
  return [
    ...traceFilter(set, question.request),
    ...rows.flatMap((row) => traceClauses(set, overRow(question.request, row))),
  ];
}

/** The question of a filter, about one record. */
function overRow({ parent, ...request }: FilterRequest, row: TestResult['test']['rows'][number]) {
  return { ...request, resource: recordEntity(parent.id, row) };
}
