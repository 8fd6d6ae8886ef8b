import {
  Command,
  COMMAND_JSON_LIMITS,
  type CommandBody,
  type Delivery,
  type ExecutorKind,
  executorOf,
  isReplyRoute,
  type Json,
  parse,
  parseStrictJson,
} from '#writ/contracts';
import { Fault } from '#writ/faults';
import type { DecisionReader } from '#writ/ledger-client';
import { commit } from '#writ/tlog';

export interface ExecutorIdentity {
  readonly tenant: string;
  readonly kind: ExecutorKind;
  readonly pool: string;
}

/** Parses a message of COMMANDS. Throws COMMAND_MALFORMED. */
export function parseCommand(data: Uint8Array): Command {
  try {
    return parse(Command, parseStrictJson(data, COMMAND_JSON_LIMITS), 'COMMAND_MALFORMED');
  } catch (cause) {
    if (cause instanceof Fault && cause.code === 'COMMAND_MALFORMED') throw cause;
    throw new Fault('COMMAND_MALFORMED', 'the command is not readable', { cause });
  }
}

/**
 * Checks a command against the ledger: the entry that it points at is an allow by a decision service, commits to exactly this
 * command, and is meant for this executor, now. The bus brought the message; only the ledger authorises it.
 * Throws COMMAND_* and LEDGER_UNAVAILABLE.
 */
export async function verifyCommand(
  command: Command,
  options: {
    readonly decisions: DecisionReader;
    readonly identity: ExecutorIdentity;
    readonly delivery: Delivery;
    /** How often the message was delivered, this time included. */
    readonly deliveries: number;
    /** The id under which COMMANDS took the message; undefined when that is not certain. */
    readonly msgId: string | undefined;
    readonly now: () => number;
  },
): Promise<void> {
  const { body } = command;
  assertAddressed(body, options.identity, options.delivery);
  assertInTime(body, options);
  const { entry, leaf } = await options.decisions.allowAt(command.seq, command.i);
  if (entry.cmd !== commit(command.salt, '/cmd', body as unknown as Json)) {
    throw new Fault('COMMAND_MISMATCH', `the command of call \`${body.call}\` differs from what was decided`);
  }
  // COMMANDS takes an id once within its duplicate window, which is longer than any command may wait to be taken. So there is one
  // message under the decision's own digest, whichever executors run or were started meanwhile, and any other is a copy of it.
  if (options.msgId !== leaf.toString('base64url')) {
    throw new Fault(
      'COMMAND_REPLAYED',
      `the command of call \`${body.call}\` is not the message that was issued for it`,
    );
  }
  // Reading the ledger took time, and the deadline may have passed meanwhile.
  assertInTime(body, options);
}

function assertAddressed(body: CommandBody, identity: ExecutorIdentity, delivery: Delivery): void {
  const isOurs =
    body.tenant === identity.tenant &&
    body.executor === identity.kind &&
    executorOf(body.kind) === identity.kind &&
    body.pool === identity.pool &&
    body.delivery === delivery;
  if (!isOurs) throw new Fault('COMMAND_WRONG_POOL', `the command of call \`${body.call}\` is for another executor`);
  // The reply was chosen by whoever asked: an answer goes to a reply route of the bus and nowhere else.
  if (!isReplyRoute(body.reply))
    throw new Fault('COMMAND_BAD_REPLY', `call \`${body.call}\` asks for an answer elsewhere`);
}

function assertInTime(
  body: CommandBody,
  {
    delivery,
    deliveries,
    now,
  }: { readonly delivery: Delivery; readonly deliveries: number; readonly now: () => number },
): void {
  // A command that may run again was taken in time when it comes again: its executor died at work, and its end still counts.
  const deadline = delivery === 'retry' && deliveries > 1 ? body.finishBy : body.takeBy;
  if (now() > deadline) throw new Fault('COMMAND_EXPIRED', `the command of call \`${body.call}\` is past its deadline`);
}
