import assert from 'node:assert/strict';
import {
  type ActionRequest,
  type Delivery,
  type ExecutorKind,
  executorOf,
  type JsonObject,
  type Predicate,
  type Redaction,
} from '#writ/contracts';
import { parseDestination, matchDestination, checkRequestHeaders } from '#writ/egress-rules';
import { Fault } from '#writ/faults';
import {
  planFilter,
  type PolicyCode,
  type PolicyDecision,
  type PolicyReasons,
  recordEntity,
  typedContextInput,
  uids,
} from '#writ/policy';
import { compileRedaction } from '#writ/redaction';
import type { Rules } from './ports.js';
import { decideInView, type Shadow } from './shadow/shadow.js';

/** A decision, also one that no policy made: nobody is there to carry it out. */
export type Ruling = Omit<PolicyReasons, 'code'> & {
  readonly effect: PolicyDecision['effect'];
  readonly code: PolicyCode | 'no_executor';
};

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
}

export interface Caller {
  readonly agent: string;
  /** What the request asks for, as `askedOf` reads it. */
  readonly asked: JsonObject;
  /** What the ledger says of the caller; written by Writ alone. */
  readonly session: { readonly callsToday: number };
  readonly nowMs: number;
  /** Looks at some decisions once more, later. */
  readonly shadow?: Shadow | undefined;
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
  const decision = decideInView(request, caller, rules.policies, {
    ...principalOf(caller),
    action: uids.action(request.tool),
    resource: uids.tool(request.tool),
    context: contextOf(typedContextInput(tool.declaration.input, request.args), caller),
  });
  return finish(decision, {
    kind: request.kind,
    resource: request.tool,
    dig: tool.digest,
    args: caller.asked,
    delivery: tool.declaration.idempotent ? 'retry' : 'once',
    timeoutMs: tool.declaration.timeoutMs,
  });
}

function memoryQuery(request: RequestOf<'memory.query'>, caller: Caller, rules: Rules): Verdict {
  const { text, k } = request;
  const input = { k, ...(text === undefined ? {} : { text }) };
  return filtered('query', request, { input, delivery: 'retry' }, caller, rules);
}

function memoryDelete(request: RequestOf<'memory.delete'>, caller: Caller, rules: Rules): Verdict {
  return filtered('delete', request, { input: { count: request.ids.length }, delivery: 'once' }, caller, rules);
}

interface FilterTerms {
  readonly input: JsonObject;
  readonly delivery: Delivery;
}

/** What policy forbids is excluded where the records are, before any of them is scored: the decision is a predicate. */
function filtered(
  action: 'query' | 'delete',
  request: RequestOf<'memory.query' | 'memory.delete'>,
  terms: FilterTerms,
  ...[caller, rules]: readonly [Caller, Rules]
): Verdict {
  const namespace = rules.catalogue.namespace(request.namespace);
  const plan = planFilter(rules.policies, {
    ...principalOf(caller),
    action: uids.action(action),
    parent: uids.namespace(request.namespace),
    context: contextOf(terms.input, caller),
  });
  const effect = plan.kind === 'none' ? 'forbid' : 'permit';
  const { code, determining, errors, obligations, near, reasonForAgent } = plan;
  const verdict = finish(
    { effect, code, determining, errors, obligations, near, reasonForAgent },
    {
      kind: request.kind,
      resource: request.namespace,
      dig: namespace.digest,
      args: caller.asked,
      delivery: terms.delivery,
      timeoutMs: MEMORY_TIMEOUT_MS,
    },
  );
  if (plan.kind === 'none') return verdict;
  return { ...verdict, filter: plan.kind === 'some' ? plan.predicate : { op: 'true' } };
}

/** Each record is a resource of its own: one that may not be written refuses the whole request. */
function memoryWrite(request: RequestOf<'memory.write'>, caller: Caller, rules: Rules): Verdict {
  const namespace = rules.catalogue.namespace(request.namespace);
  const input = { records: request.records.length };
  const decisions = request.records.map(({ id, labels }) =>
    decideInView(request, caller, rules.policies, {
      ...principalOf(caller),
      action: uids.action('write'),
      resource: recordEntity(request.namespace, { id: id ?? '', owner: caller.agent, labels }),
      context: contextOf(input, caller),
    }),
  );
  return finish(strictest(decisions), {
    kind: request.kind,
    resource: request.namespace,
    dig: namespace.digest,
    args: caller.asked,
    delivery: 'once',
    timeoutMs: MEMORY_TIMEOUT_MS,
  });
}

function egressFetch(request: RequestOf<'egress.fetch'>, caller: Caller, rules: Rules): Verdict {
  const { config, destinations } = rules.catalogue;
  const parsed = parseDestination(request.url, { internalOrigins: rules.internalOrigins });
  const name = matchDestination(parsed, request.method, config.destinations);
  const destination = destinations.get(name);
  assert(destination !== undefined, 'a matched destination is declared');
  const { credential } = destination.declaration;
  const credentialHeader = credential === undefined ? undefined : config.credentials[credential]?.header;
  const headers = checkRequestHeaders(request.headers, { credentialHeader });
  const decision = decideInView(request, caller, rules.policies, {
    ...principalOf(caller),
    action: uids.action('fetch'),
    resource: uids.host(new URL(parsed.origin).host),
    context: contextOf(
      { url: parsed.url, host: parsed.host, path: parsed.path, method: request.method, port: parsed.port },
      caller,
    ),
  });
  return finish(decision, {
    kind: request.kind,
    resource: name,
    dig: destination.digest,
    // The canonical form is what was decided, so it is what is dialled.
    args: { ...caller.asked, url: parsed.url, headers },
    delivery: request.method === 'GET' || request.method === 'HEAD' ? 'retry' : 'once',
    timeoutMs: destination.declaration.timeoutMs,
  });
}

function principalOf(caller: Caller) {
  return { principal: uids.agent(caller.agent) };
}

function contextOf(input: JsonObject, caller: Caller): JsonObject {
  return { input, session: { ...caller.session }, time: timeFacts(caller.nowMs) };
}

/** `context.time`, in UTC: seconds since 1970, hour 0 to 23, weekday 0 (Sunday) to 6. */
function timeFacts(nowMs: number) {
  const now = new Date(nowMs);
  return { unix: Math.floor(nowMs / 1000), hour: now.getUTCHours(), weekday: now.getUTCDay() };
}

type Terms = Omit<Verdict, 'decision' | 'executor' | 'redactions' | 'filter'>;

/** Redacts the arguments as the permits demand: what leaves the decision service is what the executor may see. */
function finish(decision: Ruling, terms: Terms): Verdict {
  const executor = executorOf(terms.kind);
  const redactor = decision.effect === 'permit' ? compileRedaction(decision.obligations, 'input') : undefined;
  if (redactor === undefined) return { ...terms, executor, decision, redactions: [] };
  const { value, redactions } = redactor.redact(terms.args);
  return { ...terms, executor, decision, args: value as JsonObject, redactions };
}

/** The first forbid among the decisions, or the permits as one: all their policies, all their obligations. */
function strictest(decisions: readonly PolicyDecision[]): PolicyDecision {
  const [first] = decisions;
  if (first === undefined) throw new Fault('INPUT_INVALID', '`records`: give at least one');
  const forbidden = decisions.find(({ effect }) => effect === 'forbid');
  if (forbidden !== undefined) return forbidden;
  const unique = <T>(items: readonly T[]) => [...new Map(items.map((item) => [JSON.stringify(item), item])).values()];
  return {
    ...first,
    determining: unique(decisions.flatMap(({ determining }) => determining)),
    errors: unique(decisions.flatMap(({ errors }) => errors)),
    obligations: unique(decisions.flatMap(({ obligations }) => obligations)),
  };
}
