import { createHash } from 'node:crypto';
import {
  type Answer,
  type Command,
  type CommandBody,
  type EntryBody,
  type Json,
  type PayloadValue,
  type ProgressReport,
} from '#writ/contracts';
import { Fault, FAULTS, messageOf, toFault } from '#writ/faults';
import type { Appended, AppendOptions, DecisionReader } from '#writ/ledger-client';
import { asksForTokens, type RedactionMeans } from '#writ/redaction';
import { commit, newSalt } from '#writ/tlog';
import type { Tokenise } from '#writ/vault';
import { completedWith, failedWith, type OutputMeans } from './outcome.js';
import { type ExecutorIdentity, parseCommand, verifyCommand } from './open-command.js';
import { reportProgress } from './report-progress.js';
import { completed, credentialUsed, type Finished, type Run, toAnswer } from './run-report.js';
import { type ActionRunner, type CredentialUse, timeLeftMs } from './runner.js';
import type { TakenCommands } from './taken-commands.js';

/** A command as the bus delivered it. */
export interface CommandDelivery {
  readonly delivery: 'once' | 'retry';
  readonly data: Uint8Array;
  /** How often this message was delivered, this time included. */
  readonly deliveries: number;
  /** The id under which COMMANDS took it; undefined when that is not certain. */
  readonly msgId: string | undefined;
  ack(): void;
  /** Resolves when the bus has it on record that the message was taken; rejects when that cannot be known. */
  ackConfirmed(): Promise<void>;
  /** Never again: the message is not one to act on. */
  term(): void;
  /** Again, after a pause. */
  retry(delayMs: number): void;
  /** Still at work: not to be given to another executor. */
  working(): void;
}

export interface ExecutorLog {
  info(fields: Record<string, unknown>, message: string): void;
  error(fields: Record<string, unknown>, message: string): void;
}

export interface ExecutorDependencies {
  readonly identity: ExecutorIdentity;
  readonly decisions: DecisionReader;
  readonly append: (body: EntryBody, values?: readonly PayloadValue[], options?: AppendOptions) => Promise<Appended>;
  readonly runner: ActionRunner;
  readonly answer: (reply: string, answer: Answer) => void;
  /** Tells the decision service how far a command is. It is not missed when it does not arrive. */
  readonly report: (report: ProgressReport) => void;
  readonly taken: TakenCommands;
  readonly redaction: RedactionMeans;
  /** Makes tokens that are erased with the values of that holder, the pseudonym of a subject or an agent. */
  readonly tokeniser: (holder: string) => Promise<Tokenise>;
  readonly now: () => number;
  readonly log: ExecutorLog;
}

/** The reply route of a request lives 30 s; an answer that takes longer is fetched with `call.result`. */
const PENDING_AFTER_MS = 25_000;
/** Well within the time after which the bus gives the command to another executor. */
const WORKING_EVERY_MS = 1_500;
const LEDGER_RETRY_MS = 1_000;

/** Takes one command: verify against the ledger, run, redact, record, answer. Never throws. */
export async function executeCommand(delivery: CommandDelivery, executor: ExecutorDependencies): Promise<void> {
  let command: Command;
  try {
    command = parseCommand(delivery.data);
    const { delivery: queue, deliveries, msgId } = delivery;
    await verifyCommand(command, { ...executor, delivery: queue, deliveries, msgId });
    executor.taken.take(command, delivery.delivery);
  } catch (error) {
    await refuse(delivery, toFault(error), executor);
    return;
  }
  if (delivery.delivery === 'once' && !(await isTaken(delivery, command, executor))) return;
  // At most once, by choice: if the process dies after this acknowledgement the command never runs again, and the shard's
  // owner records that nobody can say whether it ran.
  const stopSignals = keepAlive(delivery, command.body, executor);
  const startedMs = executor.now();
  const ran = await run(command, executor);
  stopSignals();
  await record({ ...ran, command, ms: executor.now() - startedMs }, delivery, executor);
}

/**
 * An unconfirmed acknowledgement is none: a command that ran and still stands in COMMANDS would be recorded as one that never
 * ran. Without the bus's word nothing is run, and the shard's owner records how the call ended. Nor is it run when the word came too
 * late, because this process was paused meanwhile: the command may have been found in COMMANDS after its time, and be on record as
 * one that never ran.
 */
async function isTaken(delivery: CommandDelivery, { body }: Command, executor: ExecutorDependencies): Promise<boolean> {
  try {
    await delivery.ackConfirmed();
    if (executor.now() <= body.takeBy) return true;
    executor.log.error({ call: body.call, detail: 'it was taken too late' }, 'a command could not be taken');
    return false;
  } catch (error) {
    executor.log.error({ call: body.call, detail: messageOf(error) }, 'a command could not be taken');
    return false;
  }
}

/** Tells the bus that a `retry` command is being worked on, and the agent that an answer takes longer than its reply route. */
function keepAlive(delivery: CommandDelivery, body: CommandBody, executor: ExecutorDependencies): () => void {
  const working = delivery.delivery === 'retry' ? setInterval(() => delivery.working(), WORKING_EVERY_MS) : undefined;
  const pending = setTimeout(
    () => executor.answer(body.reply, { v: 1, call: body.call, status: 'pending' }),
    PENDING_AFTER_MS,
  );
  return () => {
    clearInterval(working);
    clearTimeout(pending);
  };
}

async function run(command: Command, executor: ExecutorDependencies): Promise<Run> {
  const { body } = command;
  const credentials: CredentialUse[] = [];
  let attempts = 0;
  const reporter = reportProgress(command, { redaction: executor.redaction, send: executor.report });
  const listener = {
    onAttempt: () => void attempts++,
    ...(body.progress === true && { onProgress: reporter.report }),
  };
  const limitMs = timeLeftMs(body, executor.now());
  const deadline = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(timedOut(limitMs));
      deadline.abort();
    }, limitMs);
  });
  try {
    const running = executor.runner.run(body, deadline.signal, (use) => credentials.push(use), listener);
    const result = await Promise.race([running, late]);
    // The action is over: what is waited for below does not make it a late one.
    clearTimeout(timer);
    const { bytes, sent, llm } = result;
    const means = await outputMeans(body, executor);
    return { ...completedWith(body, result, means), bytes, sent, llm, credentials, attempts };
  } catch (error) {
    const fault = deadline.signal.aborted ? timedOut(limitMs) : toFault(error);
    executor.log.info({ call: body.call, code: fault.code, detail: messageOf(fault) }, 'the action failed');
    const message = fault.isToldToSender ? fault.message : FAULTS[fault.code].means;
    const means = await outputMeans(body, executor);
    return { outcome: failedWith(body, { code: fault.code, message }, means), credentials, attempts };
  } finally {
    clearTimeout(timer);
    reporter.stop();
  }
}

/** After the action, so that the key of the tokens is one that is stored now. Where it cannot be, what they would hold is masked. */
async function outputMeans(
  body: CommandBody,
  { redaction, tokeniser, log }: ExecutorDependencies,
): Promise<OutputMeans> {
  if (!asksForTokens(body.obligations, 'output')) return { means: redaction, tokenise: undefined };
  try {
    return { means: redaction, tokenise: await tokeniser(body.subject ?? body.agent) };
  } catch (error) {
    log.error({ call: body.call, detail: messageOf(error) }, 'there is no key for tokens, so values are masked');
    return { means: redaction, tokenise: undefined };
  }
}

function timedOut(limitMs: number): Fault {
  return new Fault('EXECUTOR_TIMEOUT', `the action took longer than ${limitMs} ms`);
}

async function record(finished: Finished, delivery: CommandDelivery, executor: ExecutorDependencies): Promise<void> {
  const { command, outcome } = finished;
  const { body } = command;
  const value = outcome as unknown as Json;
  const salt = newSalt();
  try {
    const used = finished.credentials.map((use) => executor.append(credentialUsed(body, use)));
    const [appended] = await Promise.all([
      executor.append(completed(finished, commit(salt, '/out', value)), [{ path: '/out', salt, value }], {
        subject: body.subject,
      }),
      ...used,
    ]);
    // The outcome is durable: if the process dies here the agent fetches the answer with `call.result`.
    if (delivery.delivery === 'retry') delivery.ack();
    executor.answer(body.reply, toAnswer(body, outcome, appended.id));
    executor.log.info(
      { call: body.call, agent: body.agent, kind: body.kind, status: outcome.status, ms: finished.ms },
      'executed',
    );
  } catch (error) {
    // The action ran and its outcome could not be recorded. Nothing is answered: the shard's owner records it as indeterminate.
    const fault = toFault(error);
    executor.log.error(
      { call: body.call, code: fault.code, detail: messageOf(fault) },
      'an outcome could not be recorded',
    );
    if (delivery.delivery === 'retry') delivery.retry(LEDGER_RETRY_MS);
  }
}

async function refuse(delivery: CommandDelivery, fault: Fault, executor: ExecutorDependencies): Promise<void> {
  executor.log.error({ code: fault.code, detail: messageOf(fault) }, 'a command was refused');
  if (FAULTS[fault.code].settlement === 'retry') {
    // The ledger could not be read: nothing is known against the command. One that may come again does; the deadline decides.
    delivery.retry(LEDGER_RETRY_MS);
    return;
  }
  delivery.term();
  const msg = `sha256:${createHash('sha256').update(delivery.data).digest('hex')}`;
  const dec = pointerOf(delivery.data);
  await executor.append({ type: 'command.refused', why: { code: fault.code }, dec, msg }).catch((error: unknown) => {
    executor.log.error({ detail: messageOf(error) }, 'a refused command could not be recorded');
  });
}

function pointerOf(data: Uint8Array): { seq: number; i: number } {
  try {
    const { seq, i } = parseCommand(data);
    return { seq, i };
  } catch {
    return { seq: 0, i: 0 };
  }
}
