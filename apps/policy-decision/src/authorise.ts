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
import { decide, planFilter, type PolicyDecision, recordEntity, type SessionFacts, timeFacts } from '#writ/policy';
import { compileRedaction } from '#writ/redaction';
import { askedOf } from './asked.js';
import type { Rules } from './ports.js';

/** A request that is well-formed and about things that exist, and what the policies say to it. */
export interface Verdict {
  readonly kind: ActionRequest['kind'];
  readonly executor: ExecutorKind;
  readonly resource: string;
  /** Digest of the declaration of the tool, namespace or destination. */
  readonly dig: string;
  readonly decision: PolicyDecision;
  /** As they go to the executor: redacted. */
  readonly args: JsonObject;
  readonly redactions: readonly Redaction[];
  readonly filter?: Predicate;
  readonly delivery: Delivery;
  readonly timeoutMs: number;
}

export interface Caller {
  readonly agent: string;
  readonly session: SessionFacts;
  readonly nowMs: number;
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
  if (tool === undefined) throw new Fault('INPUT_UNKNOWN_TOOL', `no tool is called \`${request.tool}\``);
  tool.validateArguments(request.args);
  const decision = decide(rules.policies, {
    ...principalOf(caller),
    action: { type: 'Action', id: request.tool },
    resource: { type: 'Tool', id: request.tool },
    context: contextOf(tool.policyInput(request.args), caller),
  });
  return finish(decision, {
    kind: request.kind,
    resource: request.tool,
    dig: tool.digest,
    args: request.args,
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
  const namespace = namespaceOf(request.namespace, rules);
  const plan = planFilter(rules.policies, {
    ...principalOf(caller),
    action: { type: 'Action', id: action },
    parent: { type: 'Namespace', id: request.namespace },
    context: contextOf(terms.input, caller),
  });
  const verdict = finish(plan, {
    kind: request.kind,
    resource: request.namespace,
    dig: namespace.digest,
    args: askedOf(request),
    delivery: terms.delivery,
    timeoutMs: MEMORY_TIMEOUT_MS,
  });
  return plan.kind === 'none' ? verdict : { ...verdict, filter: plan.predicate };
}

/** Each record is a resource of its own: one that may not be written refuses the whole request. */
function memoryWrite(request: RequestOf<'memory.write'>, caller: Caller, rules: Rules): Verdict {
  const namespace = namespaceOf(request.namespace, rules);
  const input = { records: request.records.length };
  const decisions = request.records.map(({ id, labels }) =>
    decide(rules.policies, {
      ...principalOf(caller),
      action: { type: 'Action', id: 'write' },
      resource: recordEntity(request.namespace, { id: id ?? '', owner: caller.agent, labels }),
      context: contextOf(input, caller),
    }),
  );
  return finish(strictest(decisions), {
    kind: request.kind,
    resource: request.namespace,
    dig: namespace.digest,
    args: askedOf(request),
    delivery: 'once',
    timeoutMs: MEMORY_TIMEOUT_MS,
  });
}

function egressFetch(request: RequestOf<'egress.fetch'>, caller: Caller, rules: Rules): Verdict {
  const { destinations } = rules.catalogue;
  const parsed = parseDestination(request.url, { internalOrigins: destinations.internalOrigins });
  const destination = rules.catalogue.destination(matchDestination(parsed, request.method, destinations.declared));
  checkRequestHeaders(request.headers, { hasCredential: destination.declaration.credential !== undefined });
  const decision = decide(rules.policies, {
    ...principalOf(caller),
    action: { type: 'Action', id: 'fetch' },
    resource: { type: 'Host', id: parsed.host },
    context: contextOf(
      { url: parsed.url, host: parsed.host, path: parsed.path, method: request.method, port: parsed.port },
      caller,
    ),
  });
  return finish(decision, {
    kind: request.kind,
    resource: destination.name,
    dig: destination.digest,
    // The canonical form is what was decided, so it is what is dialled.
    args: { ...askedOf(request), url: parsed.url },
    delivery: request.method === 'GET' || request.method === 'HEAD' ? 'retry' : 'once',
    timeoutMs: destination.declaration.timeoutMs,
  });
}

function principalOf(caller: Caller) {
  return { principal: { type: 'Agent', id: caller.agent } };
}

function contextOf(input: JsonObject, caller: Caller): JsonObject {
  return { input, session: { ...caller.session }, time: { ...timeFacts(caller.nowMs) } };
}

function namespaceOf(name: string, rules: Rules) {
  const namespace = rules.catalogue.namespace(name);
  if (namespace === undefined) throw new Fault('INPUT_UNKNOWN_NAMESPACE', `no namespace is called \`${name}\``);
  return namespace;
}

type Terms = Omit<Verdict, 'decision' | 'executor' | 'redactions' | 'filter'>;

/** Redacts the arguments as the permits demand: what leaves the decision service is what the executor may see. */
function finish(decision: PolicyDecision, terms: Terms): Verdict {
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
