import {
  askedOf,
  authorise,
  digestOf,
  listCatalog,
  namedBy,
  type Rules,
  type Shadow,
  type Verdict,
  withheld,
} from '#writ/authorisation';
import {
  type ActionRequest,
  type Answer,
  canonicalJson,
  type CallResultRequest,
  type CatalogPage,
  type CatalogRequest,
  type Command,
  type DataSubject,
  type DecideAddress,
  subjects,
} from '#writ/contracts';
import { Fault } from '#writ/faults';
import type { Appended, HeldTokens } from '#writ/ledger-client';
import type { RedactionMeans } from '#writ/redaction';
import type { Explainer } from './explainer.js';
import type { PolicyErrors } from './policy-errors.js';
import type { Pools } from './pools.js';
import type { DecidingShard, Shard, Shards } from './ports.js';
import type { StoredAnswers } from './stored-answers.js';
import { inTime } from './in-time.js';
import { commandMessage, denial, describeDecision, type Described, POOL } from './record-decision.js';

export const DECIDER = Symbol('decider');

export interface DeciderPorts {
  readonly tenant: string;
  readonly shards: Shards;
  readonly pools: Pools;
  readonly stored: StoredAnswers;
  /** Resolves when COMMANDS has stored the command. `id` is the digest of the decision, never something that an agent chose. */
  readonly issue: (subject: string, command: Command, id: string) => Promise<void>;
  readonly policyErrors: PolicyErrors;
  readonly explainer: Pick<Explainer, 'offer'>;
  /** The pseudonym of a data subject. */
  readonly pseudonym: (subject: DataSubject) => string;
  readonly redaction: RedactionMeans;
  readonly now: () => number;
  readonly shadow?: Shadow;
}

/** A decision that is to be put on record. */
interface Recording {
  readonly described: Described;
  readonly digest: string;
  readonly nowMs: number;
  readonly subject: string | undefined;
}

/**
 * A decision that is not on record by then is not acted on, and the agent is told. It may be recorded later: a retry with the
 * same id finds it, and nothing runs.
 */
const DECIDE_WITHIN_MS = 5_000;

/** Decides requests of the shards that this process owns. */
export class Decider {
  constructor(private readonly ports: DeciderPorts) {}

  /** The answer, or undefined when the decision is an allow: then the executor answers. Throws INPUT_*, RATE_LIMITED, LEDGER_*, POLICY_*. */
  async decide(address: DecideAddress, request: ActionRequest, reply: string): Promise<Answer | undefined> {
    const shard = this.#shardOf(address);
    // Policies that are being put in force count for what comes after them in the chain.
    while (shard.activation !== undefined) await shard.activation;
    const { agent } = address;
    const asked = askedOf(request);
    const askedText = canonicalJson(asked);
    const digest = digestOf(request.kind, namedBy(request), askedText);
    if (shard.calls.get(agent, request.call) !== undefined)
      return this.ports.stored.again(shard, agent, request, digest);
    const nowMs = this.ports.now();
    const rules = this.#rulesFor(agent, shard);
    const session = { callsToday: shard.calls.allowedToday(agent, nowMs) };
    const { shadow, policyErrors, pseudonym, redaction } = this.ports;
    const waitMs = (destination: string) => shard.calls.waitMs(agent, destination, nowMs);
    let tokens: HeldTokens | undefined;
    const tokensFor = (about: DataSubject | undefined) =>
      (tokens = shard.tokensOf(about === undefined ? agent : pseudonym(about))).tokenise;
    const verdict = this.#withExecutor(
      authorise(request, { agent, asked, session, nowMs, shadow, redaction, tokensFor, waitMs }, rules),
    );
    policyErrors.note({ agent, call: request.call }, verdict.decision.errors);
    const subject = verdict.subject === undefined ? undefined : pseudonym(verdict.subject);
    const described = describeDecision(request, verdict, {
      tenant: this.ports.tenant,
      agent,
      asked,
      askedText,
      reply,
      bundle: rules.policies.hash,
      nowMs,
      takeWithinMs: rules.catalogue.config.limits.takeWithinMs,
      subject,
    });
    // INVARIANT: nothing was awaited since the look-up, so two requests with one id cannot both come here.
    const { kind, resource } = verdict;
    const isAllow = described.command !== undefined;
    shard.calls.reserve(agent, request.call, { digest, isAllow, action: { kind, resource, nowMs } });
    const recorded = this.#record(shard, agent, request, { described, digest, nowMs, subject });
    const appended = await inTime(recorded, DECIDE_WITHIN_MS, tookTooLong);
    if (described.command === undefined) {
      // If the process dies here the denial stands without an explanation, and nothing else is lost.
      const append: Shard['append'] = (body, values) => shard.append(body, values, { subject });
      this.ports.explainer.offer({ decision: verdict.decision, recorded: appended, append });
      return denial(request.call, verdict.decision, appended.id);
    }
    // A token that nobody could ever open is not handed on. The decision stands; how the call ended is recorded after its deadlines.
    await tokens?.stored();
    if (this.ports.now() - nowMs > DECIDE_WITHIN_MS) tookTooLong();
    await this.#issue(described.command, appended);
    return undefined;
  }

  /** The stored answer of an earlier call, or its progress. Throws INPUT_UNKNOWN_CALL. */
  async result(address: DecideAddress, request: CallResultRequest): Promise<Answer> {
    return this.ports.stored.of(this.#shardOf(address), address.agent, request.call);
  }

  /** What the agent could use at all. It is no decision and has no effect, so it is not on record: see `docs/protocol.md`. */
  catalog(address: DecideAddress, request: CatalogRequest): CatalogPage {
    const { agent } = address;
    return listCatalog(agent, request, this.#rulesFor(agent, this.#shardOf(address)));
  }

  #rulesFor(agent: string, { calls, rules }: DecidingShard): Rules {
    if (rules === undefined) throw new Fault('POLICY_UNAVAILABLE', 'no policies are in force on the shard');
    if (rules.knows(agent) && !calls.isRevoked(agent)) return rules;
    throw new Fault('INPUT_UNKNOWN_AGENT', `the agent \`${agent}\` is not registered`);
  }

  /** An allow that nobody can carry out is a denial, before it is recorded as anything else. */
  #withExecutor(verdict: Verdict): Verdict {
    const isServed = this.ports.pools.isPresent(verdict.executor, POOL);
    if (verdict.decision.effect === 'forbid' || isServed) return verdict;
    return { ...verdict, decision: withheld(verdict.decision, 'no_executor') };
  }

  async #record(
    shard: Shard,
    agent: string,
    request: ActionRequest,
    { described, digest, nowMs, subject }: Recording,
  ): Promise<Appended> {
    try {
      // The time on record is the one that the policies saw, to the millisecond: a replay decides by it.
      const appended = await shard.append(described.entry, described.values, { nowMs, subject });
      // If the process dies here the decision is on record and nothing runs: its command was not issued, and the shard's next
      // owner records how the call ended.
      shard.calls.apply({ ...appended, entry: appended.entry }, digest);
      return appended;
    } catch (error) {
      shard.calls.release(agent, request.call);
      throw error;
    }
  }

  async #issue(command: NonNullable<Described['command']>, at: Appended): Promise<void> {
    const { executor, delivery, pool } = command.body;
    const id = at.leaf.toString('base64url');
    try {
      await this.ports.issue(subjects.command(executor, delivery, pool), commandMessage(command, at), id);
    } catch (cause) {
      // It may or may not have been stored. The decision stands; how the call ended is recorded after its deadlines.
      throw new Fault('LEDGER_UNAVAILABLE', 'the command could not be handed over', { cause });
    }
  }

  #shardOf(address: DecideAddress): DecidingShard {
    const shard = this.ports.shards.of(address);
    if (shard === undefined) throw new Fault('LEDGER_FENCED', `this process does not own shard ${address.shard}`);
    return shard;
  }
}

function tookTooLong(): never {
  throw new Fault('LEDGER_UNAVAILABLE', 'the ledger took too long');
}
