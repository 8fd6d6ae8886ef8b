import { Fault } from '#writ/faults';
import type { IncomingMessage } from 'node:http';

/** What the body of a request on the bus may have. */
const BODY_BYTES_MAX = 49_152;

/** The body of a request, whole; undefined when there is none. Throws INPUT_TOO_LARGE and, for what is no text, INPUT_NOT_UTF8. */
export async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const { 'content-length': length, 'transfer-encoding': chunked } = request.headers;
  if (length === undefined && chunked === undefined) return undefined;
  if (Number(length ?? 0) > BODY_BYTES_MAX) throw tooLarge();
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) throw tooLarge();
    chunks.push(chunk);
  }
  if (bytes === 0) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks));
  } catch {
    throw new Fault('INPUT_NOT_UTF8', 'the body is no text, and requests on the bus carry nothing else');
  }
}

function tooLarge(): Fault {
  return new Fault('INPUT_TOO_LARGE', `the body has more than ${BODY_BYTES_MAX} bytes`);
}
