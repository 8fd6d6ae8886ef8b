import {
  type ActionRequest,
  COMMAND_JSON_LIMITS,
  type DataSubject,
  type Delivery,
  type ExecutorKind,
  executorOf,
  type JsonObject,
  type Obligation,
  type Predicate,
  type Redaction,
} from '#writ/contracts';
import { Fault } from '#writ/faults';
import { asksForTokens, compileRedaction, type RedactionMeans } from '#writ/redaction';
import type { Tokenise } from '#writ/vault';
import type { Asker } from './questions.js';
import { type Ruling, withheld } from './ruling.js';
import type { Shadow } from './shadow.js';

/** A request that is well-formed and about things that exist, and what the policies say to it. */
export interface Verdict {
  readonly kind: ActionRequest['kind'];
  readonly executor: ExecutorKind;
  readonly resource: string;
  /** Digest of the declaration of the tool, namespace or destination. */
  readonly dig: string;
  readonly decision: Ruling;
  /** As they go to the executor: redacted. */
  readonly args: JsonObject;
  readonly redactions: readonly Redaction[];
  readonly filter?: Predicate;
  readonly delivery: Delivery;
  readonly timeoutMs: number;
  /** Whom the values are about, when the configuration says where the request names that. */
  readonly subject: DataSubject | undefined;
}

export interface Caller extends Asker {
  /** What the request asks for, as `askedOf` reads it. */
  readonly asked: JsonObject;
  /** Looks at some decisions once more, later. */
  readonly shadow?: Shadow | undefined;
  readonly redaction?: RedactionMeans | undefined;
  /** Makes tokens for a call about that subject, or about nobody. Absent: what should become a token is masked. */
  readonly tokensFor?: ((subject: DataSubject | undefined) => Tokenise) | undefined;
  /** For how many ms the agent has used up the rate limit of a destination; undefined when it has not. Absent: nothing is counted. */
  readonly waitMs?: ((destination: string) => number | undefined) | undefined;
}

/** What a kind of request brings to its verdict. */
export type Terms = Omit<Verdict, 'decision' | 'executor' | 'redactions' | 'filter'>;

/**
 * Does of the obligations what is done here: redacts the arguments, and lowers what is asked for to the limits. What leaves
 * the decision service is what the executor may see and do.
 */
export function finish(decision: Ruling, caller: Caller, terms: Terms): Verdict {
  const { obligations } = decision;
  if (decision.effect === 'forbid' || obligations.length === 0) return verdictOf(decision, terms, NOTHING);
  if (obligations.some((obligation) => !isEnforceable(obligation, terms.kind))) {
    return verdictOf(withheld(decision, 'obligation_unenforceable'), terms, NOTHING);
  }
  const limited = limit(terms, obligations);
  const redacted = inputRedacted(obligations, limited, caller);
  if (redacted === 'as it is') return verdictOf(decision, limited, NOTHING);
  // The caller chose the arguments: what it wrote so that nobody can look through it goes nowhere, and the denial is on record.
  if (redacted === undefined) return verdictOf(withheld(decision, 'obligation_unenforceable'), terms, NOTHING);
  return verdictOf(decision, { ...limited, args: redacted.value as JsonObject }, redacted.redactions);
}

/** Undefined when the arguments cannot be scanned whole, or what is left of them is too large: tokens are longer than values. */
function inputRedacted(obligations: readonly Obligation[], { args, subject }: Terms, caller: Caller) {
  try {
    const redactor = compileRedaction(obligations, 'input', caller.redaction);
    if (redactor === undefined) return 'as it is';
    const tokenise = asksForTokens(obligations, 'input') ? caller.tokensFor?.(subject) : undefined;
    const redacted = redactor.redact(args, tokenise);
    const isTooLarge = Buffer.byteLength(JSON.stringify(redacted.value)) > REDACTED_BYTES_MAX;
    return isTooLarge ? undefined : redacted;
  } catch (thrown) {
    if (thrown instanceof Fault && thrown.code === 'EXECUTOR_REDACTION_FAILED') return undefined;
    throw thrown;
  }
}

/** Half of what a command holds: the rest of it fits beside that. A request has at most a quarter. */
const REDACTED_BYTES_MAX = COMMAND_JSON_LIMITS.bytesMax / 2;
const NOTHING: readonly never[] = [];

/** Member by member: this is made for every call. */
function verdictOf(decision: Ruling, terms: Terms, redactions: readonly Redaction[]): Verdict {
  const { kind, resource, dig, args, delivery, timeoutMs, subject } = terms;
  return { kind, executor: executorOf(kind), resource, dig, decision, args, redactions, delivery, timeoutMs, subject };
}

/** Whether an obligation can be carried out on that kind of call. Where no records come back, limiting and filtering them is done. */
function isEnforceable(obligation: Obligation, kind: ActionRequest['kind']): boolean {
  const isMemory = kind.startsWith('memory.');
  switch (obligation.type) {
    case 'redact':
    case 'label':
      return true;
    case 'limit':
      return obligation.rows === undefined || isMemory;
    case 'filter':
      return isMemory;
  }
}

function limit(terms: Terms, obligations: readonly Obligation[]): Terms {
  let limited = terms;
  for (const obligation of obligations) {
    if (obligation.type !== 'limit') continue;
    const { rows, ms } = obligation;
    if (ms !== undefined && ms < limited.timeoutMs) limited = { ...limited, timeoutMs: ms };
    const asked = limited.args['k'];
    if (rows !== undefined && limited.kind === 'memory.query' && typeof asked === 'number' && rows < asked) {
      limited = { ...limited, args: { ...limited.args, k: rows } };
    }
  }
  return limited;
}
