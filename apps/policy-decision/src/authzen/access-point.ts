import { randomBytes } from 'node:crypto';
import { type DataSubject, type EntryBody, type JsonObject, parse } from '#writ/contracts';
import { Fault } from '#writ/faults';
import { inTime } from '../in-time.js';
import type { Explainer } from '../explainer.js';
import type { PolicyErrors } from '../policy-errors.js';
import type { DecidingShard } from '../ports.js';
import { Refusals } from '../refusals.js';
import type { Shadow } from '#writ/authorisation';
import { type AccessAnswer, answerOf, badItem, refusalOf } from './access-answer.js';
import { AccessRequest, type Item, readItems, type Semantic, withoutBatch } from './access-request.js';
import type { AccessClient } from './access-tokens.js';
import { ACCESS_REFUSALS, type AccessRefusal, describeEvaluation } from './describe-evaluation.js';
import { evaluate, type Evaluation } from './evaluate.js';
import type { Mapping } from './question.js';

export interface AccessPorts {
  /** Any shard that this process owns: evaluations are recorded in its chain. */
  readonly shard: () => DecidingShard | undefined;
  readonly mapping: Mapping;
  readonly policyErrors: PolicyErrors;
  readonly explainer: Pick<Explainer, 'offer'>;
  /** The pseudonym of a data subject. */
  readonly pseudonym: (subject: DataSubject) => string;
  readonly now: () => number;
  readonly shadow?: Shadow;
  /** Told why when refusals could not be recorded. */
  readonly onLost: (error: string) => void;
}

/** Who asks, and the name that it gave the request. */
export interface Caller {
  readonly client: AccessClient;
  readonly requestId: string | undefined;
}

/** An evaluation that is not on record by then is not answered. */
const RECORD_WITHIN_MS = 5_000;

/**
 * Answers enforcement points outside of Writ. Every evaluation is on record before it is answered; a permit executes nothing.
 * Questions that cannot be evaluated are recorded as refusals are: the first of a client and code at once, then counted.
 */
export class AccessPoint {
  readonly #refusals: Refusals<AccessRefusal>;

  constructor(private readonly ports: AccessPorts) {
    const { now, onLost } = ports;
    const append = async (body: EntryBody) => this.#shard().append(body);
    this.#refusals = new Refusals({ of: ACCESS_REFUSALS, append, now, onLost });
  }

  /** Records the counts of refusals whose minute is over, or all of them at shutdown. */
  flush(all = false): Promise<void> {
    return this.#refusals.flush(all);
  }

  /** One question. Throws INPUT_INVALID when it is none, LEDGER_* when the answer cannot be put on record. */
  async evaluation(body: unknown, caller: Caller): Promise<AccessAnswer> {
    const asked = parse(AccessRequest, body);
    const shard = this.#shard();
    // Policies that are being put in force count for what comes after them in the chain.
    while (shard.activation !== undefined) await shard.activation;
    return this.#session(shard, caller).answer({ asked });
  }

  /** Many questions, in their order, as far as the semantic goes. Throws as `evaluation` does, for the message as a whole. */
  async evaluations(
    body: unknown,
    caller: Caller,
  ): Promise<AccessAnswer | { readonly evaluations: readonly AccessAnswer[] }> {
    const { items, semantic } = readItems(body);
    if (items.length === 0) return this.evaluation(withoutBatch(body as JsonObject), caller);
    const shard = this.#shard();
    while (shard.activation !== undefined) await shard.activation;
    // INVARIANT: nothing is awaited until all of them are in the shard's chain.
    const session = this.#session(shard, caller);
    const answers: Promise<AccessAnswer>[] = [];
    for (const item of items) {
      const { answer, isPermitted } = session.begin(item);
      answers.push(answer);
      if (isLast(semantic, isPermitted)) break;
    }
    return { evaluations: await Promise.all(answers) };
  }

  /** All questions of one message are evaluated by the same rules. */
  #session(shard: DecidingShard, { client, requestId }: Caller) {
    const { rules } = shard;
    if (rules === undefined) throw new Fault('POLICY_UNAVAILABLE', 'no policies are in force on the shard');
    const { mapping, now, shadow, policyErrors, explainer, pseudonym } = this.ports;
    const grounds = { rules, calls: shard.calls, mapping, nowMs: now(), shadow };
    const bundle = rules.policies.hash;
    const record = async (evaluation: Evaluation, asked: AccessRequest, call: string): Promise<AccessAnswer> => {
      const asking = { client: client.name, asked, call, requestId, bundle };
      if (evaluation.status === 'refused') {
        const { fault } = evaluation;
        const recorded = this.#refusals.record({ asking, code: fault.code });
        // A no lets nothing happen: it is answered, and counted, also when the ledger cannot take its entry.
        return refusalOf(fault, await inTime(recorded, RECORD_WITHIN_MS, () => undefined));
      }
      const { entry, values } = describeEvaluation(evaluation, asking);
      const about = evaluation.verdict.subject;
      const subject = about === undefined ? undefined : pseudonym(about);
      const append: DecidingShard['append'] = (body, stored) => shard.append(body, stored, { subject });
      const recorded = await inTime(append(entry, values), RECORD_WITHIN_MS, tookTooLong);
      // If the process dies here the evaluation is on record and nobody heard the answer: nothing happens by it.
      explainer.offer({ decision: evaluation.verdict.decision, recorded, append });
      return answerOf(evaluation, recorded.id, { canExplain: client.canExplain, bundle });
    };
    const begin = (item: Item): { readonly answer: Promise<AccessAnswer>; readonly isPermitted: boolean } => {
      if ('problem' in item) return { answer: Promise.resolve(badItem(item.problem)), isPermitted: false };
      const call = `az-${randomBytes(12).toString('hex')}`;
      const evaluation = evaluate(item.asked, call, grounds);
      if (evaluation.status === 'evaluated') {
        policyErrors.note({ agent: evaluation.agent, call }, evaluation.verdict.decision.errors);
      }
      const isPermitted = evaluation.status === 'evaluated' && evaluation.isPermitted;
      return { answer: record(evaluation, item.asked, call), isPermitted };
    };
    return { begin, answer: (item: Item) => begin(item).answer };
  }

  #shard(): DecidingShard {
    const shard = this.ports.shard();
    if (shard === undefined) throw new Fault('LEDGER_FENCED', 'this process owns no shard, so it cannot record');
    return shard;
  }
}

function isLast(semantic: Semantic, isPermitted: boolean): boolean {
  switch (semantic) {
    case 'execute_all':
      return false;
    case 'deny_on_first_deny':
      return !isPermitted;
    case 'permit_on_first_permit':
      return isPermitted;
  }
}

function tookTooLong(): never {
  throw new Fault('LEDGER_UNAVAILABLE', 'the ledger took too long');
}
