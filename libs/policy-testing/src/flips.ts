import type { Outcome } from './ask.js';
import { isSameJson, missingFrom } from './same-json.js';

/** What was decided before, by other policies or on record. */
export interface Before extends Pick<Outcome, 'effect' | 'policies'> {
  /** Under which it was permitted, when that is known. */
  readonly terms?: { readonly obligations: readonly unknown[]; readonly filter: unknown } | undefined;
}

/** An answer, as what was decided before. */
export function asBefore({ effect, policies, obligations, filter }: Outcome): Before {
  return { effect, policies, terms: { obligations, filter } };
}

/** What became of the answer to one request. */
export type Change =
  | `${Outcome['effect']} → ${Outcome['effect']}`
  | 'filter differs'
  | 'obligations differ'
  | 'filter and obligations differ';

/** Undefined when the answer is the same. Other policies may have come to it. */
export function changeOf(before: Before, after: Outcome): Change | undefined {
  if (before.effect !== after.effect) return `${before.effect} → ${after.effect}`;
  if (after.effect !== 'permit' || before.terms === undefined) return undefined;
  const { obligations, filter } = before.terms;
  const isSameFilter = isSameJson(filter, after.filter);
  if (isSameList(obligations, after.obligations)) return isSameFilter ? undefined : 'filter differs';
  return isSameFilter ? 'obligations differ' : 'filter and obligations differ';
}

/** Obligations are a set; mostly they come in one order. */
function isSameList(before: readonly unknown[], after: readonly unknown[]): boolean {
  if (before.length !== after.length) return false;
  if (before.every((each, i) => isSameJson(each, after[i]))) return true;
  return missingFrom(before, after).length === 0 && missingFrom(after, before).length === 0;
}

/** Requests of one agent whose answer changed in the same way because of the same policy. */
export interface FlipGroup {
  readonly change: Change;
  readonly agent: string;
  /** `policies/slack.cedar:19 forbid interns-stay-off-slack`: what decides now, or what decided before and does not now. */
  readonly policy: string;
  /** For what nothing permits now: the permit that comes nearest, and its condition that fails. */
  readonly nearest?: string;
  /** Where obligations differ: those that hold now and did not, and those that no longer do, as JSON. */
  readonly gained?: readonly string[];
  readonly lost?: readonly string[];
  count: number;
  /** Some of the requests: a call id, or the name of a test. */
  readonly examples: string[];
}

const EXAMPLES_MAX = 3;
/** The search for near misses costs more than thousands of decisions. */
const NEAREST_MAX = 50;
/** A change of everything is told as well by the groups that come first. */
const GROUPS_MAX = 10_000;

/** Groups flips by change, agent and policy line as they come; how many there are does not matter for memory. */
export class Flips {
  readonly #groups = new Map<string, FlipGroup>();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(change: Change, agent: string, { before, after, example }: FlipDetails): void {
    this.#count += 1;
    const policy = decidingLine(before, after);
    const terms = change.endsWith('obligations differ') ? termsOf(before, after) : {};
    const key = `${change}\n${agent}\n${policy}\n${JSON.stringify(terms)}`;
    let group = this.#groups.get(key);
    if (group === undefined) {
      if (this.#groups.size >= GROUPS_MAX) return;
      const nearest = this.#groups.size < NEAREST_MAX ? nearestLine(after) : undefined;
      const more = { ...(nearest === undefined ? {} : { nearest }), ...terms };
      group = { change, agent, policy, ...more, count: 0, examples: [] };
      this.#groups.set(key, group);
    }
    group.count += 1;
    if (group.examples.length < EXAMPLES_MAX) group.examples.push(example);
  }

  /** The largest first. */
  groups(): readonly FlipGroup[] {
    return [...this.#groups.values()].toSorted((a, b) => b.count - a.count);
  }
}

interface FlipDetails {
  readonly before: Before;
  readonly after: Outcome;
  readonly example: string;
}

function decidingLine(before: Before, after: Outcome): string {
  const known = new Set(before.policies.map(({ id }) => id));
  // What decides now and did not is the reason; where the same policies decide, a forbid is what narrows.
  const fresh = after.policies.find(({ id }) => !known.has(id));
  const now = fresh ?? after.policies.find(({ effect }) => effect === 'forbid') ?? after.policies[0];
  if (now !== undefined) return `${now.file}:${now.line} ${now.effect} ${now.id}`;
  if (after.effect === 'refused') return after.code;
  const [then] = before.policies;
  return then === undefined ? 'no policy' : `no longer ${then.file}:${then.line} ${then.effect} ${then.id}`;
}

function termsOf({ terms }: Before, { obligations }: Outcome): Pick<FlipGroup, 'gained' | 'lost'> {
  const then = terms?.obligations ?? [];
  return { gained: missingFrom(obligations, then), lost: missingFrom(then, obligations) };
}

function nearestLine({ near: [miss] }: Outcome): string | undefined {
  return miss === undefined ? undefined : `${miss.file}:${miss.line}:${miss.col} ${miss.id}: ${miss.failed}`;
}
