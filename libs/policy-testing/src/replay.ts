import { DailyCounts, requestOf, type Rules } from '#writ/authorisation';
import { type ActionRequest, type DecidedEntry, isRequestKind, type Json, type JsonObject } from '#writ/contracts';
import type { DecisionValues } from '#writ/tlog';
import { askPolicies } from './ask.js';
import { asBefore, type Before, changeOf, Flips } from './flips.js';
import { SeenCalls } from './seen-calls.js';

/** Why a decision of the past cannot be made again. */
type Unreplayable = 'value erased' | 'value differs' | 'request not understood';

/**
 * Makes the decisions of the past again under other policies. Hand in every decision in stream order, also those that are not to be
 * made again: what a decision depended on is counted from those before it. It has nothing that could run a command.
 */
export class Replay {
  readonly flips = new Flips();
  readonly unreplayable = new Map<Unreplayable, number>();
  #replayed = 0;
  readonly #counts = new DailyCounts();
  readonly #seen = new SeenCalls();

  /** Compares with what is on record, or with what `against` says to the same requests. */
  constructor(
    private readonly rules: Rules,
    private readonly against?: Rules,
  ) {}

  get replayed(): number {
    return this.#replayed;
  }

  /** Takes in a decision that is not to be made again. */
  pass(entry: DecidedEntry): void {
    this.#count(entry);
  }

  /** Makes a decision again with the values behind its commitments. What does not open them is not used. */
  take(entry: DecidedEntry, values: DecisionValues): void {
    const why = this.#replay(entry, values);
    if (why !== undefined) this.unreplayable.set(why, (this.unreplayable.get(why) ?? 0) + 1);
    this.#count(entry);
  }

  #replay(entry: DecidedEntry, values: DecisionValues): Unreplayable | undefined {
    if (values.status !== 'opens') return values.status === 'gone' ? 'value erased' : 'value differs';
    const request = requestIn(entry, values.asked);
    if (request === undefined) return 'request not understood';
    const { agent } = entry.who;
    const nowMs = Date.parse(entry.ts);
    const then = { agent, nowMs, callsToday: this.#counts.of(agent, nowMs), asked: values.asked };
    const after = askPolicies(request, then, this.rules);
    this.#replayed += 1;
    const before =
      this.against === undefined ? recorded(entry, values.command) : asBefore(askPolicies(request, then, this.against));
    const change = changeOf(before, after);
    if (change !== undefined) this.flips.add(change, agent, { before, after, example: entry.corr.call });
    return undefined;
  }

  /** As the decision service counts: an allow counts once for an id, whatever came of it. */
  #count({ who: { agent }, corr, eff, ts }: DecidedEntry): void {
    const isNew = this.#seen.add(agent, corr.call);
    if (isNew && eff.d === 'allow') this.#counts.count(agent, ts);
  }
}

/** The request as it was asked; undefined when this version knows no such request. A destination is found from the URL again. */
function requestIn({ act: { kind, res } }: DecidedEntry, asked: JsonObject): ActionRequest | undefined {
  return isRequestKind(kind) ? requestOf(kind, res, asked) : undefined;
}

/** What the policies said then. That nobody was there to carry it out is no word of theirs. */
function recorded({ eff, why }: DecidedEntry, command: JsonObject | undefined): Before {
  const isPermit = eff.d === 'allow' || why.code === 'no_executor';
  const terms = command && {
    obligations: (command['obligations'] ?? []) as readonly Json[],
    filter: command['filter'],
  };
  return { effect: isPermit ? 'permit' : 'forbid', policies: why.pol, terms };
}
