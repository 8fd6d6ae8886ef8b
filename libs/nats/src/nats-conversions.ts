import { errors, headers, type Msg, type MsgHdrs } from 'nats';
import { BusError, type BusHeaders, type BusMessage } from './bus.js';

/** A blank or a line break in a subject would be read by the server as protocol. */
export function assertSubject(subject: string): void {
  // oxlint-disable-next-line no-control-regex
  if (!/^[^\s\u0000-\u001f\u007f]+$/.test(subject)) {
    throw new BusError('invalid', `${JSON.stringify(subject.slice(0, 80))} is not a subject`);
  }
}

/** Headers as the client library has them. */
export function toHeaders(values: BusHeaders): MsgHdrs {
  const result = headers();
  for (const [name, value] of Object.entries(values)) result.set(name, value);
  return result;
}

/** A message of the client library, as Writ sees it. */
export function toBusMessage(message: Msg): BusMessage {
  return {
    subject: message.subject,
    reply: message.reply,
    data: message.data,
    status: message.headers?.code ?? 0,
    header: (name) => {
      const values = message.headers?.values(name);
      return values === undefined ? undefined : values[values.length - 1];
    },
    headerText: () => headerTextOf(message),
  };
}

/** The client library keeps the received bytes and gives out only what it parsed; a library that no longer does has no text here. */
function headerTextOf(message: Msg): string {
  const { _rdata: bytes, _msg: frame } = message as unknown as {
    readonly _rdata?: Uint8Array;
    readonly _msg?: { readonly hdr: number };
  };
  if (bytes === undefined || frame === undefined || !(frame.hdr > 0)) return '';
  return Buffer.from(bytes.buffer, bytes.byteOffset, frame.hdr).toString('latin1');
}

/** What the client library throws, with the reason that Writ's code looks at. */
export function toBusError(cause: unknown): BusError {
  if (cause instanceof BusError) return cause;
  if (cause instanceof errors.PermissionViolationError) {
    const verb = cause.operation === 'publish' ? 'publish on' : 'subscribe to';
    return new BusError('permission', `the bus does not let this user ${verb} \`${cause.subject}\``, { cause });
  }
  if (cause instanceof errors.ClosedConnectionError || cause instanceof errors.DrainingConnectionError) {
    return new BusError('closed', 'the connection is closed', { cause });
  }
  const text = cause instanceof Error ? cause.message : String(cause);
  return new BusError(/permissions violation/i.test(text) ? 'permission' : 'invalid', text, { cause });
}
