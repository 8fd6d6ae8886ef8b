import assert from 'node:assert/strict';
import {
  type ActionRequest,
  type DataSubject,
  type Delivery,
  type ExecutorKind,
  executorOf,
  type JsonObject,
  type Obligation,
  type Predicate,
  type Redaction,
} from '#writ/contracts';
import { credentialHeaders } from '#writ/catalogue';
import { checkRequestHeaders, checkRequestRules, matchDestination, parseDestination } from '#writ/egress-rules';
import { Fault } from '#writ/faults';
import { compileRedaction, type RedactionMeans } from '#writ/redaction';
import { subjectIn, subjectOfAll } from './data-subject.js';
import {
  type Asker,
  fetchQuestion,
  filterQuestion,
  replaceQuestion,
  toolQuestion,
  writeQuestions,
} from './questions.js';
import type { Rules } from './rules.js';
import { type Ruling, strictest, withheld } from './ruling.js';
import { decideInView, planInView, type Shadow } from './shadow.js';

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
}

/** Memory operations have no declared limit of their own. */
const MEMORY_TIMEOUT_MS = 10_000;

/** Decides a request: resolve what it is about, check its arguments, ask the policies, redact. Throws INPUT_* and POLICY_*. */
export function authorise(request: ActionRequest, caller: Caller, rules: Rules): Verdict {
  switch (request.kind) {
    case 'tool.call':
      return toolCall(request, caller, rules);
    case 'memory.query':
      return memoryQuery(request, caller, rules);
    case 'memory.write':
      return memoryWrite(request, caller, rules);
    case 'memory.delete':
      return memoryDelete(request, caller, rules);
    case 'egress.fetch':
      return egressFetch(request, caller, rules);
  }
}

type RequestOf<K extends ActionRequest['kind']> = Extract<ActionRequest, { kind: K }>;

function toolCall(request: RequestOf<'tool.call'>, caller: Caller, rules: Rules): Verdict {
  const tool = rules.catalogue.tool(request.tool);
  tool.validateArguments(request.args);
  const subject = subjectIn(tool.declaration.dataSubject, caller.asked);
  const decision = decideInView(viewOf(request, caller, rules), toolQuestion(request, caller, tool.declaration.input));
  return finish(decision, caller, {
    kind: request.kind,
    resource: request.tool,
    dig: tool.digest,
    args: caller.asked,
    delivery: tool.declaration.idempotent ? 'retry' : 'once',
    timeoutMs: tool.declaration.timeoutMs,
    subject,
  });
}

function memoryQuery(request: RequestOf<'memory.query'>, caller: Caller, rules: Rules): Verdict {
  return filtered(request, caller, { rules, delivery: 'retry' });
}

function memoryDelete(request: RequestOf<'memory.delete'>, caller: Caller, rules: Rules): Verdict {
  return filtered(request, caller, { rules, delivery: 'once' });
}

/** What policy forbids is excluded where the records are, before any of them is scored: the decision is a predicate. */
function filtered(
  request: RequestOf<'memory.query'> | RequestOf<'memory.delete'>,
  caller: Caller,
  { rules, delivery }: { readonly rules: Rules; readonly delivery: Delivery },
): Verdict {
  const namespace = rules.catalogue.namespace(request.namespace);
  const plan = planInView(viewOf(request, caller, rules), filterQuestion(request, caller));
  const verdict = finish(plan, caller, {
    kind: request.kind,
    resource: request.namespace,
    dig: namespace.digest,
    args: caller.asked,
    delivery,
    timeoutMs: MEMORY_TIMEOUT_MS,
    // Whom the records that are found or deleted are about is not in the request.
    subject: undefined,
  });
  return plan.kind === 'none' ? verdict : { ...verdict, filter: predicateOf(plan) };
}

function predicateOf(plan: ReturnType<typeof planInView>): Predicate {
  switch (plan.kind) {
    case 'none':
      return { op: 'false' };
    case 'all':
      return { op: 'true' };
    case 'some':
      return plan.predicate;
  }
}

/**
 * Each record is a resource of its own: one that may not be written refuses the whole request. So is each that stands under an id that
 * is given: what the agent could not have written, by the labels that it has now, is not replaced by what it could.
 */
function memoryWrite(request: RequestOf<'memory.write'>, caller: Caller, rules: Rules): Verdict {
  const namespace = rules.catalogue.namespace(request.namespace);
  const subject = subjectOfAll(namespace.declaration.dataSubject, caller.asked['records']);
  const inView = viewOf(request, caller, rules);
  const decisions = writeQuestions(request, caller).map((question) => decideInView(inView, question));
  const verdict = finish(strictest(decisions), caller, {
    kind: request.kind,
    resource: request.namespace,
    dig: namespace.digest,
    args: caller.asked,
    delivery: 'once',
    timeoutMs: MEMORY_TIMEOUT_MS,
    subject,
  });
  const mayReplace = verdict.decision.effect === 'permit' && request.records.some(({ id }) => id !== undefined);
  return mayReplace
    ? { ...verdict, filter: predicateOf(planInView(inView, replaceQuestion(request, caller))) }
    : verdict;
}

function egressFetch(request: RequestOf<'egress.fetch'>, caller: Caller, rules: Rules): Verdict {
  const { config, destinations } = rules.catalogue;
  const parsed = parseDestination(request.url, { internalOrigins: rules.internalOrigins });
  const name = matchDestination(parsed, request.method, config.destinations);
  const destination = destinations.get(name);
  assert(destination !== undefined, 'a matched destination is declared');
  const { credential } = destination.declaration;
  const declared = credential === undefined ? undefined : config.credentials[credential];
  const taken = declared === undefined ? undefined : credentialHeaders(declared);
  const headers = checkRequestHeaders(request.headers, { credentialHeaders: taken });
  checkRequestRules({ headers, body: request.body }, destination.declaration.request ?? {});
  const decision = decideInView(viewOf(request, caller, rules), fetchQuestion(request, caller, parsed));
  return finish(decision, caller, {
    kind: request.kind,
    resource: name,
    dig: destination.digest,
    // The canonical form is what was decided, so it is what is dialled.
    args: { ...caller.asked, url: parsed.url, headers },
    delivery: request.method === 'GET' || request.method === 'HEAD' ? 'retry' : 'once',
    timeoutMs: destination.declaration.timeoutMs,
    subject: undefined,
  });
}

/** Who asks in which call, for the decision and for whoever looks at it once more. */
function viewOf({ call }: ActionRequest, { agent, shadow }: Caller, { policies }: Rules) {
  return { call, agent, shadow, set: policies };
}

type Terms = Omit<Verdict, 'decision' | 'executor' | 'redactions' | 'filter'>;

/**
 * Does of the obligations what is done here: redacts the arguments, and lowers what is asked for to the limits. What leaves
 * the decision service is what the executor may see and do.
 */
function finish(decision: Ruling, { redaction }: Caller, terms: Terms): Verdict {
  const { obligations } = decision;
  if (decision.effect === 'forbid' || obligations.length === 0) return verdictOf(decision, terms, NOTHING);
  if (obligations.some((obligation) => !isEnforceable(obligation, terms.kind))) {
    return verdictOf(withheld(decision, 'obligation_unenforceable'), terms, NOTHING);
  }
  const limited = limit(terms, obligations);
  const redacted = inputRedacted(obligations, limited.args, redaction);
  if (redacted === 'as it is') return verdictOf(decision, limited, NOTHING);
  // The caller chose the arguments: what it wrote so that nobody can look through it goes nowhere, and the denial is on record.
  if (redacted === undefined) return verdictOf(withheld(decision, 'obligation_unenforceable'), terms, NOTHING);
  return verdictOf(decision, { ...limited, args: redacted.value as JsonObject }, redacted.redactions);
}

/** Undefined when the arguments cannot be scanned whole. */
function inputRedacted(obligations: readonly Obligation[], args: JsonObject, means: RedactionMeans | undefined) {
  try {
    return compileRedaction(obligations, 'input', means)?.redact(args) ?? 'as it is';
  } catch (thrown) {
    if (thrown instanceof Fault && thrown.code === 'EXECUTOR_REDACTION_FAILED') return undefined;
    throw thrown;
  }
}

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
