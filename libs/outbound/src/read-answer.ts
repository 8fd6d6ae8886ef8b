import type { LeasedCredential } from '#writ/credentials';
import { Fault } from '#writ/faults';
import type { AnswerHead } from './http2.js';

/** An answer as it may be handed on: within its limits and without the credential. */
export interface OutboundAnswer {
  readonly status: number;
  /** Lower-case names; a header that stands several times is joined by `, `. `set-cookie` is dropped. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** What ended the body before its end: its size, or the deadline. Absent: it is whole, as it must be unless the request allowed less. */
  readonly cut?: 'size' | 'time';
  /** Whether the server sent the credential back; it has been taken out. */
  readonly echoed: boolean;
}

/** How an answer may end before its end instead of being a fault: always at its limit, and at the deadline where that is said. */
export interface AnswerCuts {
  readonly atDeadline: boolean;
}

/** What reading depends on. */
interface AnswerTerms {
  readonly credential?: LeasedCredential | undefined;
  readonly responseBytesMax: number;
  /** For an answer of that media type, lower-case and without parameters; undefined when it has to be whole. */
  readonly cuts?: ((mediaType: string) => AnswerCuts | undefined) | undefined;
}

/** A credential that lies across the limit is found whole and taken out before the cut; none of its forms is longer. */
const SCRUB_MARGIN_BYTES = 16_384;

/**
 * Reads the answer within its limit and takes the credential out of it: whole, or cut where `terms` allow it. A redirect or a compressed
 * body is a fault.
 */
export async function readAnswer(
  answer: AnswerHead,
  { url, deadline }: { readonly url: URL; readonly deadline: AbortSignal },
  terms: AnswerTerms,
): Promise<OutboundAnswer> {
  const { credential, responseBytesMax } = terms;
  const head = readHead(answer, url, credential);
  const { bytes, cut } = await readBody(answer, deadline, terms);
  const body = credential?.scrub(bytes) ?? { bytes, found: false };
  return {
    status: answer.statusCode,
    headers: head.headers,
    body: cut === undefined ? body.bytes : body.bytes.subarray(0, responseBytesMax),
    ...(cut === undefined ? {} : { cut }),
    echoed: head.found || body.found,
  };
}

/** The headers of an answer without the credential, and whether it was in them. A redirect or a compressed body is a fault. */
export function readHead(
  answer: AnswerHead,
  url: URL,
  credential: LeasedCredential | undefined,
): { readonly headers: Record<string, string>; readonly found: boolean } {
  refuseRedirect(answer, url, credential);
  const encoding = textOf(answer.headers['content-encoding'] ?? 'identity');
  if (encoding !== '' && encoding.toLowerCase() !== 'identity') {
    throw new Fault('EXECUTOR_BAD_ANSWER', 'the service compressed its answer although it was asked not to');
  }
  const { kept, found } = scrubHeaders(answer.headers, credential);
  return { headers: kept, found };
}

/** The announced length is not looked at: that of a HEAD is of a body that does not come, and any other may be a lie. */
async function readBody(
  { headers, body }: AnswerHead,
  deadline: AbortSignal,
  { responseBytesMax, cuts }: AnswerTerms,
): Promise<{ readonly bytes: Buffer; readonly cut?: 'size' | 'time' }> {
  const allowed = cuts?.(mediaTypeOf(textOf(headers['content-type'] ?? '')));
  const readBytesMax = responseBytesMax + (allowed === undefined ? 0 : SCRUB_MARGIN_BYTES);
  const chunks: Buffer[] = [];
  let bytes = 0;
  let isLate = false;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > readBytesMax) break;
    }
  } catch (error) {
    if (allowed?.atDeadline !== true || !deadline.aborted) throw error;
    isLate = true;
  }
  if (bytes > responseBytesMax && allowed === undefined)
    throw new Fault('EXECUTOR_OUTPUT_TOO_LARGE', `the answer has more than ${responseBytesMax} bytes`);
  const read = Buffer.concat(chunks);
  if (bytes > responseBytesMax) return { bytes: read, cut: 'size' };
  return isLate ? { bytes: read, cut: 'time' } : { bytes: read };
}

/** The type and subtype of a `content-type`, in lower case. */
export function mediaTypeOf(contentType: string): string {
  return contentType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

function refuseRedirect({ statusCode, headers }: AnswerHead, url: URL, credential: LeasedCredential | undefined): void {
  const { location } = headers;
  if (statusCode < 300 || statusCode > 399 || statusCode === 304 || location === undefined) return;
  const target = textOf(location);
  const origin = URL.canParse(target, url.href) ? originOf(new URL(target, url)) : 'an address that is none';
  // The location is attacker-controlled: only its origin is told, without the credential that it may quote.
  const told = credential?.scrubText(origin).text ?? origin;
  throw new Fault(
    'EXECUTOR_REDIRECTED',
    `the service redirects to \`${told.slice(0, 200)}\`: redirects are new decisions`,
  );
}

function originOf(target: URL): string {
  return target.origin === 'null' ? target.protocol : target.origin;
}

function scrubHeaders(
  headers: AnswerHead['headers'],
  credential: LeasedCredential | undefined,
): { readonly kept: Record<string, string>; readonly found: boolean } {
  const kept: [string, string][] = [];
  let found = false;
  for (const [name, values] of Object.entries(headers)) {
    if (values === undefined || name === 'set-cookie' || name === 'set-cookie2') continue;
    const value = credential?.scrubText(textOf(values)) ?? { text: textOf(values), found: false };
    const isNameScrubbed = credential?.scrubText(name).found ?? false;
    found ||= value.found || isNameScrubbed;
    if (!isNameScrubbed) kept.push([name.toLowerCase(), value.text]);
  }
  return { kept: Object.fromEntries(kept), found };
}

function textOf(value: string | string[]): string {
  return typeof value === 'string' ? value : value.join(', ');
}
