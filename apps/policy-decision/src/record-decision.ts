import type { Ruling, Verdict } from '#writ/authorisation';
import {
  type ActionRequest,
  type AgentRemedy,
  type Answer,
  canonicalJson,
  type Command,
  type CommandBody,
  type DecidedEntry,
  type EntryBody,
  type Json,
  type JsonObject,
  type Obligation,
  type PayloadValue,
} from '#writ/contracts';
import { commit, commitMembers, commitText, newSalt } from '#writ/tlog';

export const POOL = 'default';
const OBLIGATIONS_LISTED_MAX = 64;
const POLICIES_LISTED_MAX = 64;

export interface DecisionContext {
  readonly tenant: string;
  readonly agent: string;
  /** The arguments as they came; the entry commits to them, the command to what is left after redaction. */
  readonly asked: JsonObject;
  /** Canonical JSON of `asked`. */
  readonly askedText: string;
  readonly reply: string;
  readonly bundle: string;
  readonly nowMs: number;
  readonly takeWithinMs: number;
  /** The pseudonym of whom the call is about. */
  readonly subject: string | undefined;
}

/** A decision, ready to be recorded: the entry, the values behind its commitments, and the command when it is an allow. */
export interface Described {
  readonly entry: EntryBody;
  readonly values: readonly PayloadValue[];
  readonly command?: { readonly body: CommandBody; readonly salt: string };
}

/** Describes a verdict for the ledger. Nothing of the arguments is in the entry but salted commitments. */
export function describeDecision(request: ActionRequest, verdict: Verdict, context: DecisionContext): Described {
  const inSalt = newSalt();
  const { asked } = context;
  const values: PayloadValue[] = [{ path: '/in', salt: inSalt, value: asked }, ...reasonValues(verdict.decision)];
  const command =
    verdict.decision.effect === 'permit'
      ? { body: commandBody(request, verdict, context), salt: newSalt() }
      : undefined;
  const body = command?.body as unknown as Json;
  if (command !== undefined) {
    // The arguments stand under `/in` already, unless a redaction changed them.
    const { args: _args, ...rest } = command.body;
    values.push({ path: '/cmd', salt: command.salt, value: verdict.args === asked ? (rest as unknown as Json) : body });
  }
  const entry: EntryBody = {
    type: `${verdict.kind}.decided` as DecidedEntry['type'],
    who: { agent: context.agent },
    act: { kind: verdict.kind, res: verdict.resource, dig: verdict.dig },
    corr: {
      call: request.call,
      ...(request.session === undefined ? {} : { sess: request.session }),
      ...(request.trace === undefined ? {} : { trace: request.trace }),
    },
    eff: { d: command === undefined ? 'deny' : 'allow', phase: 'decided' },
    why: whyOf(verdict.decision, context.bundle),
    ...(verdict.decision.obligations.length === 0 ? {} : { obl: obligationNames(verdict.decision) }),
    ...(verdict.redactions.length === 0 ? {} : { red: [...verdict.redactions].slice(0, 64) }),
    io: {
      in: commitMembers(inSalt, '/in', asked) ?? commitText(inSalt, '/in', context.askedText),
      in_len: Buffer.byteLength(context.askedText),
    },
    ...(command === undefined
      ? {}
      : {
          cmd: commit(command.salt, '/cmd', body),
          run: {
            delivery: command.body.delivery,
            pool: POOL,
            take_by: command.body.takeBy,
            finish_by: command.body.finishBy,
          },
        }),
  };
  return { entry, values, ...(command === undefined ? {} : { command }) };
}

/**
 * What an operator may know of a decision, and what the agent was told: values, which live with the arguments. The near misses of a
 * default deny are not among them: the explainer looks for them when the answer is on its way.
 */
export function reasonValues({ effect, held, remedies, reasonForAgent }: Ruling): readonly PayloadValue[] {
  const value = (path: string, json: unknown): PayloadValue => ({ path, salt: newSalt(), value: json as Json });
  return [
    ...(held.length > 0 ? [value('/held', held)] : []),
    // Kept for whoever asks again with the same call id: the answer is the same one.
    ...(effect === 'forbid' && reasonForAgent !== undefined ? [value('/reason', reasonForAgent)] : []),
    ...(remedies.length > 0 ? [value('/remedies', remediesForAgent(remedies))] : []),
  ];
}

function commandBody(request: ActionRequest, verdict: Verdict, context: DecisionContext): CommandBody {
  const takeBy = context.nowMs + context.takeWithinMs;
  return {
    tenant: context.tenant,
    agent: context.agent,
    call: request.call,
    kind: verdict.kind,
    executor: verdict.executor,
    delivery: verdict.delivery,
    pool: POOL,
    resource: verdict.resource,
    dig: verdict.dig,
    args: verdict.args,
    obligations: [...verdict.decision.obligations],
    ...(verdict.filter === undefined ? {} : { filter: verdict.filter }),
    takeBy,
    finishBy: takeBy + verdict.timeoutMs,
    reply: context.reply,
    ...(request.session === undefined ? {} : { session: request.session }),
    ...(request.trace === undefined ? {} : { trace: request.trace }),
    ...(context.subject === undefined ? {} : { subject: context.subject }),
    ...(request.kind === 'tool.call' && request.progress === true ? { progress: true } : {}),
  };
}

export function whyOf(decision: Ruling, bundle: string): Extract<EntryBody, { type: 'tool.call.decided' }>['why'] {
  return {
    code: decision.code,
    bundle,
    pol: decision.determining.slice(0, POLICIES_LISTED_MAX).map(placeEntry),
    ...(decision.errors.length === 0
      ? {}
      : { err: decision.errors.slice(0, 16).map(({ id, message }) => ({ id, message: message.slice(0, 256) })) }),
    ...(decision.logged.length === 0 ? {} : { log: decision.logged.slice(0, 16).map(placeEntry) }),
    ...(decision.remedies.length === 0
      ? {}
      : { rem: decision.remedies.slice(0, 16).map(({ policy, kind }) => ({ policy, kind })) }),
  };
}

const placeEntry = ({ id, effect, file, line, col }: Ruling['determining'][number]) => ({
  id,
  effect,
  file,
  line,
  col,
});

export function obligationNames(decision: Ruling): string[] {
  return decision.obligations
    .flatMap(namesOf)
    .slice(0, OBLIGATIONS_LISTED_MAX)
    .map((name) => name.slice(0, 256));
}

function namesOf(obligation: Obligation): readonly string[] {
  switch (obligation.type) {
    case 'redact': {
      const { target, paths = [], detectors = [], action = 'mask' } = obligation;
      const how = action === 'mask' ? '' : `:${action}`;
      return [...paths, ...detectors].map((what) => `redact:${target}:${what}${how}`);
    }
    case 'limit': {
      const { type: _type, ...limits } = obligation;
      return Object.entries(limits).map(([what, most]) => `limit:${what}:${most}`);
    }
    case 'filter':
      return [`filter:${canonicalJson(obligation.where as unknown as Json)}`];
    case 'label':
      return obligation.labels.map((label) => `label:${label}`);
  }
}

export function remediesForAgent(remedies: Ruling['remedies']): AgentRemedy[] {
  return remedies.map(({ kind, template }) => ({ kind, ...(template === undefined ? {} : { template }) }));
}

/** What the agent is told of a denial: a code, and what the policy's author chose to say. Nothing that helps probing. */
export function denial(call: string, decision: Ruling, entry: string): Answer {
  return {
    v: 1,
    call,
    status: 'denied',
    code: decision.code,
    ...(decision.reasonForAgent === undefined ? {} : { reason: decision.reasonForAgent }),
    ...(decision.remedies.length === 0 ? {} : { remedies: remediesForAgent(decision.remedies) }),
    entry,
  };
}

/** The message for the executor: where its authorisation stands, and what opens the commitment there. */
export function commandMessage(
  command: { readonly body: CommandBody; readonly salt: string },
  at: { readonly seq: number; readonly i: number },
): Command {
  return { v: 1, seq: at.seq, i: at.i, salt: command.salt, body: command.body };
}
