import assert from 'node:assert/strict';
import { type ActionRequest, type Delivery, type Predicate } from '#writ/contracts';
import { credentialHeaders } from '#writ/catalogue';
import { checkRequestHeaders, checkRequestRules, matchDestination, parseDestination } from '#writ/egress-rules';
import { Fault } from '#writ/faults';
import { subjectIn, subjectOfAll } from './data-subject.js';
import {
  connectQuestion,
  fetchQuestion,
  filterQuestion,
  replaceQuestion,
  toolQuestion,
  tunnelDestination,
  writeQuestions,
} from './questions.js';
import type { Rules } from './rules.js';
import { strictest } from './ruling.js';
import { decideInView, planInView } from './shadow.js';
import { type Caller, finish, type Verdict } from './verdict.js';

/** Memory operations have no declared limit of their own. */
const MEMORY_TIMEOUT_MS = 10_000;

/** Decides a request: resolve what it is about, check its arguments, ask the policies, redact. Throws INPUT_*, RATE_LIMITED and POLICY_*. */
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
    case 'egress.connect':
      return egressConnect(request, caller, rules);
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
  destination.bodySchema?.validate(request.method, request.body);
  checkRate(name, caller);
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

/** A tunnel goes to a destination that declares them: what is said in it is not seen, so neither its paths nor its methods hold there. */
function egressConnect(request: RequestOf<'egress.connect'>, caller: Caller, rules: Rules): Verdict {
  const parsed = tunnelDestination(request, rules);
  const destination = tunnelTo(parsed.origin, rules);
  checkRate(destination.name, caller);
  const decision = decideInView(viewOf(request, caller, rules), connectQuestion(parsed, caller));
  return finish(decision, caller, {
    kind: request.kind,
    resource: destination.name,
    dig: destination.digest,
    args: { host: parsed.host, port: parsed.port },
    delivery: 'once',
    timeoutMs: destination.tunnel.ageMsMax,
    subject: undefined,
  });
}

function tunnelTo(origin: string, { catalogue }: Rules) {
  for (const { name, digest, declaration } of catalogue.destinations.values()) {
    const { tunnel } = declaration;
    if (tunnel !== undefined && new URL(declaration.origin).origin === origin) return { name, digest, tunnel };
  }
  throw new Fault('INPUT_UNKNOWN_DESTINATION', '`tunnel.not_allowed`: no declared destination takes a tunnel there');
}

/** Last of all checks: only what could be decided has to wait. */
function checkRate(destination: string, { waitMs }: Caller): void {
  const afterMs = waitMs?.(destination);
  if (afterMs === undefined) return;
  const message = `\`${destination}\` takes no further request of the agent for ${afterMs} ms`;
  throw new Fault('RATE_LIMITED', message, { transient: { sent: false, afterMs } });
}

/** Who asks in which call, for the decision and for whoever looks at it once more. */
function viewOf({ call }: ActionRequest, { agent, shadow }: Caller, { policies }: Rules) {
  return { call, agent, shadow, set: policies };
}
