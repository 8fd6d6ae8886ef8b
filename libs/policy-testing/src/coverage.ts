import { type Question, questionsOf, type Rules } from '#writ/authorisation';
import {
  clausePlaces,
  decide,
  type FilterRequest,
  planFilter,
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

/** How much of some policies made a difference to a test. */
export interface Covered {
  readonly policies: { readonly decided: number; readonly total: number };
  readonly clauses: { readonly decided: number; readonly total: number };
  /** Of policies and conditions together, 0 to 100, rounded down. */
  readonly percent: number;
  readonly never: readonly Uncovered[];
}

/** The policies that are enforced; beside them the second set and those in `log_only` mode, where there are some. */
export interface CoverageReport extends Covered {
  readonly obligations?: Covered;
  readonly logOnly?: Covered;
}

/**
 * Which policies and which of their conditions have made a difference. An enforced policy has when it is among those that decide, one
 * of the second set when it obliged, one in `log_only` mode when it would have fired. A condition has when it alone kept its policy
 * from that, or when it became part of a filter: then taking it away would have changed what a test saw.
 */
export class Coverage {
  readonly #enforced: SetCoverage;
  readonly #obligations: SetCoverage | undefined;
  readonly #logOnly: SetCoverage | undefined;

  constructor(private readonly rules: Rules) {
    const { policies } = rules;
    this.#enforced = new SetCoverage(policies);
    this.#obligations = policies.obligations && new SetCoverage(policies.obligations);
    this.#logOnly = policies.logOnly && new SetCoverage(policies.logOnly);
  }

  add({ test, outcome }: TestResult): void {
    if (outcome.effect === 'refused') return;
    const { agent, callsToday, nowMs } = test.circumstances;
    const asker = { agent, session: { callsToday }, nowMs };
    const deciding = idsOf(outcome.policies);
    for (const question of questionsOf(test.request, asker, this.rules)) {
      const asked = { question, rows: test.rows };
      this.#enforced.add(asked, { fired: deciding, filters: outcome.filter?.op === 'true' ? [] : deciding });
      const logged = idsOf(outcome.logged);
      this.#logOnly?.add(asked, { fired: logged, filters: logged });
      // The second set obliges on an allow alone. It says nothing about which records a query finds.
      const { obligations } = this.rules.policies;
      if (outcome.effect !== 'permit' || obligations === undefined) continue;
      this.#obligations?.add(asked, { fired: obligingIn(obligations, question), filters: [] });
    }
  }

  report(): CoverageReport {
    return {
      ...this.#enforced.report(),
      ...(this.#obligations === undefined ? {} : { obligations: this.#obligations.report() }),
      ...(this.#logOnly === undefined ? {} : { logOnly: this.#logOnly.report() }),
    };
  }
}

function idsOf(policies: readonly { readonly id: string }[]): readonly string[] {
  return policies.map(({ id }) => id);
}

/** Those of the second set that oblige: asked by themselves, they are the permits that are satisfied. */
function obligingIn(obligations: PolicySet, question: Question): readonly string[] {
  const { determining } =
    question.kind === 'decide' ? decide(obligations, question.request) : planFilter(obligations, question.request);
  return idsOf(determining);
}

/** One question of a test, and the records that it is tried on. */
interface AskedQuestion {
  readonly question: Question;
  readonly rows: TestResult['test']['rows'];
}

/** What one set of policies came to in a test: which of them fired, and of which the conditions about records became a filter. */
interface Came {
  readonly fired: readonly string[];
  readonly filters: readonly string[];
}

/** The coverage of one set of policies. */
class SetCoverage {
  readonly #policies = new Set<string>();
  readonly #clauses = new Map<string, Set<number>>();
  readonly #ids: ReadonlySet<string>;

  constructor(private readonly set: PolicySet) {
    this.#ids = new Set(set.policies.map(({ place }) => place.id));
  }

  add(asked: AskedQuestion, { fired, filters }: Came): void {
    // A policy of the second set can decide too, when it cannot be evaluated; it is counted with its own set.
    for (const id of fired) if (this.#ids.has(id)) this.#policies.add(id);
    for (const trace of tracesOf(this.set, asked)) {
      if (trace.onlyFailed !== undefined) this.#mark(trace.id, trace.onlyFailed);
      if (filters.includes(trace.id)) trace.deferred.forEach((index) => this.#mark(trace.id, index));
    }
  }

  report(): Covered {
    const { policies } = this.set;
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

function tracesOf(set: PolicySet, { question, rows }: AskedQuestion): readonly PolicyTrace[] {
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
