import {
  type Agent,
  type CallOptions,
  type Completed,
  connectAgent,
  Denied,
  Expired,
  Failed,
  Indeterminate,
  NotPermitted,
  Refused,
  Unanswered,
  Unavailable,
  WritError,
} from '#writ/agent-sdk';
import { deploymentPaths, readProfile } from '#writ/deployment';
import { type Cli, type CommonOptions, dataDirectory } from '../cli.js';
import { EXIT } from '../exit-codes.js';
import { printable, printableLines } from '../printable.js';

export interface CallCommandOptions extends CommonOptions {
  readonly as: string;
  readonly call?: string;
  readonly session?: string;
  readonly timeout?: number;
}

/** Connects as the agent, makes one call and tells how it ended. Returns the exit code. */
export async function runCall(
  options: CallCommandOptions,
  make: (agent: Agent, options: CallOptions) => Promise<Completed>,
  cli: Cli,
): Promise<number> {
  const profile = await readProfile(deploymentPaths(dataDirectory(options)), options.as);
  let agent: Agent | undefined;
  try {
    agent = await connectAgent(profile);
    const { call, session, timeout } = options;
    const completed = await make(agent, {
      ...(call === undefined ? {} : { call }),
      ...(session === undefined ? {} : { session }),
      ...(timeout === undefined ? {} : { timeoutMs: timeout }),
    });
    tellCompleted(completed, options, cli);
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof WritError)) throw error;
    tellError(error, options, cli);
    return exitOf(error);
  } finally {
    await agent?.close();
  }
}

function tellCompleted({ callId, output, entry, redactions }: Completed, { json }: CommonOptions, cli: Cli): void {
  if (json) {
    cli.print(JSON.stringify({ status: 'completed', call: callId, output, entry, redactions }));
    return;
  }
  cli.print(JSON.stringify(output, null, 2));
  cli.note(`completed: call ${callId}, entry ${entry}`);
  for (const { path, kind, n } of redactions)
    cli.note(`redacted: ${printable(path)} (${kind}${n > 1 ? `, ${n} times` : ''})`);
}

/** Tells how a call did not complete. */
export function tellError(error: WritError, { json }: CommonOptions, cli: Cli): void {
  const { code, message, callId, entry, reason } = error;
  if (!json) {
    // What an executor or an upstream server says may be anything.
    cli.note(printableLines(`${code}: ${message}`));
    const known = [callId !== undefined && `call ${callId}`, entry !== undefined && `entry ${entry}`].filter(Boolean);
    if (known.length > 0) cli.note(`${statusOf(error)}: ${known.join(', ')}`);
    if (callId !== undefined) for (const line of nextSteps(error, callId)) cli.note(line);
    return;
  }
  const about = {
    ...(callId === undefined ? {} : { call: callId }),
    ...(reason === undefined ? {} : { reason }),
    ...(entry === undefined ? {} : { entry }),
  };
  cli.print(JSON.stringify({ status: statusOf(error), ...about, error: { code, message } }));
}

function nextSteps(error: WritError, callId: string): readonly string[] {
  // The policy line is for operators: an agent is told what the policy's author chose to tell.
  if (error instanceof Denied) return [`why, for an operator: writ explain ${callId}`];
  return error instanceof Unanswered ? [`what came of it: writ call --as AGENT result ${callId}`] : [];
}

/** `Denied` is `denied`, and so on: the names of the classes are the names of the ways to end. */
function statusOf(error: WritError): string {
  return error.name === 'WritError'
    ? 'invalid'
    : error.name.replace(/(?<=.)[A-Z]/g, (sign) => `-${sign}`).toLowerCase();
}

/** What the call's end means to a script. */
export function exitOf(error: WritError): number {
  if (error instanceof Denied || error instanceof Refused || error instanceof NotPermitted) return EXIT.no;
  if (error instanceof Unavailable) return EXIT.unavailable;
  const hasEndedBadly = error instanceof Failed || error instanceof Expired || error instanceof Indeterminate;
  // Not answered in time is not unavailable: it may have run.
  if (hasEndedBadly || error instanceof Unanswered) return EXIT.failed;
  return error.code === 'PROFILE_INVALID' ? EXIT.config : EXIT.failed;
}
