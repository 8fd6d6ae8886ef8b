import type { LeasedCredential } from '#writ/credentials';
import { Fault } from '#writ/faults';
import type { Dispatcher } from 'undici';

/** An answer as it may be handed on: within its limits and without the credential. */
export interface OutboundAnswer {
  readonly status: number;
  /** Lower-case names; a header that stands several times is joined by `, `. `set-cookie` is dropped. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** An answer over the limit is a fault, so what is returned is whole. */
  readonly truncated: false;
  /** Whether the server sent the credential back; it has been taken out. */
  readonly echoed: boolean;
}

/** What reading depends on. */
interface AnswerTerms {
  readonly credential?: LeasedCredential | undefined;
  readonly responseBytesMax: number;
}

/** Reads the answer whole, within its limit, and takes the credential out of it. A redirect or a compressed body is a fault. */
export async function readAnswer(
  answer: Dispatcher.ResponseData,
  url: URL,
  { credential, responseBytesMax }: AnswerTerms,
): Promise<OutboundAnswer> {
  refuseRedirect(answer, url, credential);
  const encoding = textOf(answer.headers['content-encoding'] ?? 'identity');
  if (encoding !== '' && encoding.toLowerCase() !== 'identity') {
    throw new Fault('EXECUTOR_BAD_ANSWER', 'the service compressed its answer although it was asked not to');
  }
  // The announced length is not looked at: that of a HEAD is of a body that does not come, and any other may be a lie.
  const bytes = Buffer.from(await answer.body.arrayBuffer());
  if (bytes.length > responseBytesMax) {
    throw new Fault('EXECUTOR_OUTPUT_TOO_LARGE', `the answer has more than ${responseBytesMax} bytes`);
  }
  const headers = scrubHeaders(answer.headers, credential);
  const body = credential?.scrub(bytes) ?? { bytes, found: false };
  return {
    status: answer.statusCode,
    headers: headers.kept,
    body: body.bytes,
    truncated: false,
    echoed: headers.found || body.found,
  };
}

function refuseRedirect(
  { statusCode, headers }: Dispatcher.ResponseData,
  url: URL,
  credential: LeasedCredential | undefined,
): void {
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
  headers: Dispatcher.ResponseData['headers'],
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
