import type { Answer, Command, CommandBody, CompletedEntry, EntryBody, LlmCost } from '#writ/contracts';
import type { Outcome } from './outcome.js';
import type { CredentialUse } from './runner.js';

/** What came of an action, and what was told while it ran. */
export interface Run {
  readonly outcome: Outcome;
  readonly isCut?: boolean;
  readonly bytes?: number | undefined;
  readonly sent?: number | undefined;
  readonly llm?: LlmCost | undefined;
  readonly credentials: readonly CredentialUse[];
  readonly attempts: number;
}

/** A run whose time is known. */
export interface Finished extends Run {
  readonly command: Command;
  readonly ms: number;
}

/** The entry that says what came of a command. `out` is the commitment to the outcome. */
export function completed(
  { command, outcome, isCut, bytes, sent, llm, attempts, ms }: Finished,
  out: string,
): EntryBody {
  const { body } = command;
  const isOk = outcome.status === 'completed';
  const red = outcome.status === 'completed' ? outcome.redactions : undefined;
  return {
    type: `${body.kind}.completed` as CompletedEntry['type'],
    who: { agent: body.agent },
    act: { kind: body.kind, res: body.resource, dig: body.dig },
    corr: correlation(body),
    eff: { d: isOk ? 'ok' : 'error', phase: 'executed' },
    why: { code: isOk ? 'completed' : outcome.code },
    ...(red === undefined || red.length === 0 ? {} : { red: red.slice(0, 64) }),
    ...(outcome.labels === undefined ? {} : { lab: [...outcome.labels] }),
    io: { out, out_len: Buffer.byteLength(JSON.stringify(outcome)), ...(isCut === true && isOk && { cut: true }) },
    cost: {
      ms: Math.max(0, Math.round(ms)),
      ...(bytes !== undefined && { bytes }),
      ...(sent !== undefined && { sent }),
      ...(attempts > 1 && { attempts }),
      ...(llm !== undefined && { llm }),
    },
    dec: { seq: command.seq, i: command.i },
  };
}

/** The entry that says that a credential went out with a command. */
export function credentialUsed(body: CommandBody, used: CredentialUse): EntryBody {
  return {
    type: 'credential.used',
    who: { agent: body.agent },
    corr: correlation(body),
    cred: used.name,
    origin: used.origin,
    echoed: used.echoed,
  };
}

function correlation(body: CommandBody) {
  return {
    call: body.call,
    ...(body.session === undefined ? {} : { sess: body.session }),
    ...(body.trace === undefined ? {} : { trace: body.trace }),
  };
}

/** What the agent hears of an outcome, with the id of the entry that has it on record. */
export function toAnswer(body: CommandBody, outcome: Outcome, entry: string): Answer {
  const labels = outcome.labels === undefined ? {} : { labels: [...outcome.labels] };
  const base = { v: 1, call: body.call, ...labels, entry } as const;
  if (outcome.status === 'failed') return { ...base, status: 'failed', code: outcome.code, message: outcome.message };
  const redactions = outcome.redactions;
  return {
    ...base,
    status: 'completed',
    output: outcome.output,
    ...(redactions === undefined || redactions.length === 0 ? {} : { redactions: [...redactions] }),
  };
}
