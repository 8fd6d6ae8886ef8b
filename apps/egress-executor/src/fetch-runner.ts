import type { Catalogue, DestinationDeclaration } from '#writ/catalogue';
import { type CommandBody, EgressFetchRequest, type Json, parse } from '#writ/contracts';
import type { CredentialBroker, LeasedCredential, LeaseUse } from '#writ/credentials';
import { internalOrigins, matchDestination, parseDestination } from '#writ/egress-rules';
import type { ActionRunner, CredentialUse, RunResult } from '#writ/execution';
import { Fault } from '#writ/faults';
import type { OutboundAnswer, OutboundRequest, sendOutbound } from '#writ/outbound';

/** What a fetch runner acts through. */
interface FetchPorts {
  readonly credentials: Pick<CredentialBroker, 'lease'>;
  readonly send: typeof sendOutbound;
  /** The text of a file, relative to the configuration file. */
  readonly readFile: (path: string) => Promise<string>;
}

/** What a command of `egress.fetch` carries: the request as it was decided. */
const FetchArguments = EgressFetchRequest.pick({ url: true, method: true, headers: true, body: true });

/** Runs an approved `egress.fetch`: one request to the declared destination that was decided on, with its credential. */
export class FetchRunner implements ActionRunner {
  readonly #internalOrigins: ReadonlySet<string>;

  constructor(
    private readonly catalogue: Catalogue,
    private readonly ports: FetchPorts,
  ) {
    this.#internalOrigins = internalOrigins(catalogue.config.destinations);
  }

  async run(
    command: CommandBody,
    signal: AbortSignal,
    onCredentialSent: (use: CredentialUse) => void,
  ): Promise<RunResult> {
    const destination = this.#destinationOf(command);
    const { url, method, headers, body } = parse(FetchArguments, command.args, 'EXECUTOR_FAILED');
    const origin = this.#decidedOrigin(command.resource, url, method);
    const { internal, timeoutMs, responseBytesMax, http2 } = destination;
    const credential = await this.#lease(destination, origin, { signal, onCredentialSent });
    const tls = await this.#tlsOf(destination);
    const request = {
      url,
      method,
      headers,
      body,
      internal,
      timeoutMs,
      responseBytesMax,
      signal,
      credential,
      tls,
      http2,
      onCredentialSent,
    };
    const answer = await this.ports.send(request);
    return { output: outputOf(answer, isRedacted(command)), bytes: answer.body.length };
  }

  #destinationOf({ resource, dig }: CommandBody): DestinationDeclaration {
    const declared = this.catalogue.destinations.get(resource);
    if (declared === undefined) throw new Fault('COMMAND_TOOL_CHANGED', `the destination \`${resource}\` is gone`);
    if (declared.digest !== dig) {
      throw new Fault('COMMAND_TOOL_CHANGED', `the destination \`${resource}\` changed since the decision`);
    }
    return declared.declaration;
  }

  /**
   * The origin that will be dialled. Redaction may have changed the URL since it was decided on, so it must still be the canonical form of
   * something that the same destination covers.
   */
  #decidedOrigin(resource: string, url: string, method: string): string {
    try {
      const parsed = parseDestination(url, { internalOrigins: this.#internalOrigins });
      const name = matchDestination(parsed, method, this.catalogue.config.destinations);
      if (parsed.url === url && name === resource) return parsed.origin;
    } catch (cause) {
      throw new Fault('EXECUTOR_FAILED', 'the URL is no longer one that was decided on', { cause });
    }
    throw new Fault('EXECUTOR_FAILED', 'the URL is no longer one that was decided on');
  }

  /** Read anew for each request, so that authorities that were replaced count at once. */
  async #tlsOf({ tls }: DestinationDeclaration): Promise<OutboundRequest['tls']> {
    if (tls === undefined) return undefined;
    const { minVersion, caFile, pins } = tls;
    try {
      return { minVersion, pins, ca: caFile === undefined ? undefined : await this.ports.readFile(caFile) };
    } catch (cause) {
      throw new Fault('EXECUTOR_UNREACHABLE', `the certificate authorities in \`${caFile}\` cannot be read`, { cause });
    }
  }

  async #lease(
    { credential }: DestinationDeclaration,
    origin: string,
    use: LeaseUse,
  ): Promise<LeasedCredential | undefined> {
    return credential === undefined ? undefined : this.ports.credentials.lease(credential, origin, use);
  }
}

/** Headers of an answer that an agent has a use for. The rest is about the connection, or sets state. */
const TOLD_HEADERS: ReadonlySet<string> = new Set([
  'age',
  'allow',
  'cache-control',
  'content-disposition',
  'content-language',
  'content-type',
  'date',
  'deprecation',
  'etag',
  'expires',
  'last-modified',
  'link',
  'location',
  'ratelimit',
  'ratelimit-limit',
  'ratelimit-policy',
  'ratelimit-remaining',
  'ratelimit-reset',
  'retry-after',
  'sunset',
  'vary',
  'x-ratelimit-limit',
  'x-ratelimit-remaining',
  'x-ratelimit-reset',
  'x-request-id',
  'x-total-count',
]);

function outputOf({ status, headers, body }: OutboundAnswer, redacted: boolean): Json {
  const told = Object.fromEntries(Object.entries(headers).filter(([name]) => TOLD_HEADERS.has(name)));
  const text = textOf(body);
  if (text !== undefined) return { status, headers: told, body: text };
  // Failure to scan is a block: what is no text cannot be searched for what policy takes out.
  if (redacted) throw new Fault('EXECUTOR_REDACTION_FAILED', 'the answer is not text, so it cannot be redacted');
  return { status, headers: told, body: body.toString('base64'), encoding: 'base64' };
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text that bytes are, or undefined when they are none: not UTF-8, or with a NUL, as UTF-16 has. */
function textOf(bytes: Buffer): string | undefined {
  if (bytes.includes(0)) return undefined;
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

function isRedacted({ obligations }: CommandBody): boolean {
  return obligations.some((obligation) => obligation.type === 'redact' && obligation.target === 'output');
}
