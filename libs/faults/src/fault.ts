import { FAULTS, type FaultCode } from './table.js';

/** What passes by itself, so that trying again can help. */
interface Transient {
  /** Whether anything of the request may have reached the other side. False means that it certainly has not. */
  readonly sent: boolean;
  /** How long the other side asks to be left alone. */
  readonly afterMs?: number | undefined;
}

/**
 * Something went wrong that has a stable code. The message is one lower-case sentence in the reader's words, with values in
 * backticks and never a secret. Detail travels in `cause`, to the log and never to an agent.
 */
export class Fault extends Error {
  override readonly name = 'Fault';
  /** Undefined: nobody knows that another try could end otherwise. */
  readonly transient: Transient | undefined;

  constructor(
    readonly code: FaultCode,
    message: string,
    options: { readonly cause?: unknown; readonly transient?: Transient } = {},
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.transient = options.transient;
  }

  /** Whether an agent may see `message` beside the code. Everything else is told by the code alone. */
  get isToldToSender(): boolean {
    return FAULTS[this.code].told;
  }
}

/** The fault inside an unknown thrown value: itself, or `INTERNAL` with the thrown value as cause. */
export function toFault(thrown: unknown): Fault {
  return thrown instanceof Fault ? thrown : new Fault('INTERNAL', 'an unexpected error', { cause: thrown });
}

/** One line for people: the message of an unknown thrown value with the messages of its causes. */
export function messageOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  return thrown.cause === undefined ? thrown.message : `${thrown.message}: ${messageOf(thrown.cause)}`;
}
