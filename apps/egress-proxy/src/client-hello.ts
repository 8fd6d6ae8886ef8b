/** What is read of the first message of a TLS client. */
export interface ClientHello {
  /** The name that it wants to speak to, in lower case. */
  readonly serverName: string | undefined;
  /** Whether it hides another name in it (Encrypted Client Hello). */
  readonly isEncrypted: boolean;
}

const HANDSHAKE = 22;
const CLIENT_HELLO = 1;
const SERVER_NAME = 0;
const ENCRYPTED_CLIENT_HELLO = 0xfe0d;
const RECORD_BYTES_MAX = 16_384;

/**
 * Reads the ClientHello (RFC 8446) at the beginning of attacker-controlled bytes, in however many records it comes. `more`: it is not whole
 * yet. Undefined: it is none, so what follows is no TLS.
 */
export function readClientHello(bytes: Buffer): ClientHello | 'more' | undefined {
  const message = handshakeIn(bytes);
  if (message === undefined || message === 'more') return message;
  try {
    return helloOf(new Reader(message));
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** The body of the first handshake message, put together from its records. */
function handshakeIn(bytes: Buffer): Buffer | 'more' | undefined {
  const parts: Buffer[] = [];
  let size = 0;
  for (let at = 0; at < bytes.length;) {
    if (bytes[at] !== HANDSHAKE || (at + 1 < bytes.length && bytes[at + 1] !== 3)) return undefined;
    if (at + 5 > bytes.length) return 'more';
    const length = bytes.readUInt16BE(at + 3);
    if (length === 0 || length > RECORD_BYTES_MAX) return undefined;
    const part = bytes.subarray(at + 5, at + 5 + length);
    parts.push(part);
    size += part.length;
    const message = Buffer.concat(parts, size);
    if (message.length > 0 && message[0] !== CLIENT_HELLO) return undefined;
    const wanted = message.length < 4 ? undefined : message.readUIntBE(1, 3);
    if (wanted !== undefined && wanted > RECORD_BYTES_MAX) return undefined;
    if (wanted !== undefined && message.length >= 4 + wanted) return message.subarray(4, 4 + wanted);
    if (part.length < length) return 'more';
    at += 5 + length;
  }
  return 'more';
}

function helloOf(hello: Reader): ClientHello | undefined {
  hello.take(2 + 32);
  hello.vector(1);
  hello.vector(2);
  hello.vector(1);
  const extensions = hello.left === 0 ? new Reader(Buffer.alloc(0)) : new Reader(hello.vector(2));
  if (hello.left > 0) return undefined;
  const seen = new Set<number>();
  let serverName: string | undefined;
  while (extensions.left > 0) {
    const type = extensions.number(2);
    const body = extensions.vector(2);
    if (seen.has(type)) return undefined;
    seen.add(type);
    if (type === SERVER_NAME) serverName = serverNameIn(new Reader(body));
    if (type === SERVER_NAME && serverName === undefined) return undefined;
  }
  return { serverName, isEncrypted: seen.has(ENCRYPTED_CLIENT_HELLO) };
}

/** The one host name of the extension (RFC 6066). A list of several is refused: two readers could take different ones. */
function serverNameIn(extension: Reader): string | undefined {
  const list = new Reader(extension.vector(2));
  const type = list.number(1);
  const name = list.vector(2).toString('latin1');
  if (extension.left > 0 || list.left > 0 || type !== 0) return undefined;
  return /^[\x21-\x7e]{1,253}$/.test(name) ? name.toLowerCase() : undefined;
}

/** Reads big-endian numbers and vectors with their length before them. Throws RangeError behind the end. */
class Reader {
  #at = 0;

  constructor(private readonly bytes: Buffer) {}

  get left(): number {
    return this.bytes.length - this.#at;
  }

  take(length: number): Buffer {
    if (length > this.left) throw new RangeError('behind the end');
    this.#at += length;
    return this.bytes.subarray(this.#at - length, this.#at);
  }

  number(bytes: number): number {
    return this.take(bytes).readUIntBE(0, bytes);
  }

  vector(lengthBytes: number): Buffer {
    return this.take(this.number(lengthBytes));
  }
}
