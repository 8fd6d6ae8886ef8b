import assert from 'node:assert/strict';
import {
  addQuery,
  type CatalogueTool,
  fillBody,
  fillUrl,
  type HttpToolDeclaration,
  type UrlTemplate,
} from '#writ/catalogue';
import type { CommandBody } from '#writ/contracts';
import type { RunResult } from '#writ/execution';
import { Fault } from '#writ/faults';
import { type AnswerCuts, mediaTypeOf, type OutboundAnswer } from '#writ/outbound';
import { collectEvents, eventsOutput } from './event-stream.js';
import { limitsOf, parseOutput, textOutput } from './output.js';
import type { CredentialLeases, SendOutbound, ToolKindRunner, ToolRun } from './ports.js';
import { statusFault } from './status-fault.js';

const ACCEPT = 'application/json, text/plain;q=0.9, text/event-stream;q=0.8, */*;q=0.1';
const EVENT_STREAM = 'text/event-stream';
const JSON_TYPE = /^(application|text)\/([a-z0-9.-]+\+)?json$/;

/** Runs HTTP tools: arguments into the URL, the query or the body; the credential, by name, where it goes. */
export class HttpToolRunner implements ToolKindRunner {
  constructor(
    private readonly credentials: CredentialLeases,
    private readonly send: SendOutbound,
  ) {}

  async run(tool: CatalogueTool, { command, signal, onCredential }: ToolRun): Promise<RunResult> {
    const { declaration, urlTemplate } = tool;
    assert(declaration.kind === 'http' && urlTemplate !== undefined);
    const request = requestOf(urlTemplate, declaration, command);
    const { origin } = new URL(request.url);
    const credential =
      declaration.credential === undefined
        ? undefined
        : await this.credentials.lease(declaration.credential, origin, { signal, onCredentialSent: onCredential });
    const answer = await this.send({
      ...request,
      internal: declaration.internal,
      timeoutMs: declaration.timeoutMs,
      responseBytesMax: limitsOf(declaration).readBytesMax,
      cuts: (mediaType) => cutsOf(mediaType, declaration),
      signal,
      credential,
      onCredentialSent: onCredential,
    });
    if (answer.status >= 400) throw statusFault(answer, Date.now());
    return { ...resultOf(answer, declaration), bytes: answer.body.length };
  }
}

function requestOf(template: UrlTemplate, declaration: HttpToolDeclaration, command: CommandBody) {
  // Redaction may have changed the arguments since they were checked against the schema.
  const filled = fillUrl(template, command.args);
  if ('problem' in filled) throw new Fault('EXECUTOR_FAILED', filled.problem);
  const { method } = declaration;
  if (method === 'GET' || method === 'DELETE')
    return { method, url: addQuery(filled.url, filled.rest), headers: headersOf(declaration, command, undefined) };
  const made = fillBody(declaration, filled.rest);
  if ('problem' in made) throw new Fault('EXECUTOR_FAILED', made.problem);
  return { method, url: filled.url, headers: headersOf(declaration, command, made.contentType), body: made.body };
}

function headersOf(
  declaration: HttpToolDeclaration,
  command: CommandBody,
  contentType: string | undefined,
): Record<string, string> {
  const declared = Object.entries(declaration.headers).map(([name, value]) => [name.toLowerCase(), value] as const);
  const headers: Record<string, string> = { accept: ACCEPT, ...Object.fromEntries(declared) };
  // JSON has many names, and a service may want its own; of the others the boundary has to be the one that is in the body.
  if (contentType !== undefined && (declaration.body !== 'json' || headers['content-type'] === undefined))
    headers['content-type'] = contentType;
  // The same call gives the same key however often it is delivered, and no other call of any agent does.
  if (declaration.idempotent) headers['idempotency-key'] = `${command.tenant}/${command.agent}/${command.call}`;
  return headers;
}

/** A stream of events need not end: what came till the deadline, or fits, is its answer. JSON has to be whole to be read. */
function cutsOf(mediaType: string, { onOversize }: HttpToolDeclaration): AnswerCuts | undefined {
  if (mediaType === EVENT_STREAM) return { atDeadline: true };
  return onOversize === 'cut' && !JSON_TYPE.test(mediaType) ? { atDeadline: false } : undefined;
}

function resultOf({ headers, body, cut }: OutboundAnswer, declaration: HttpToolDeclaration): RunResult {
  const mediaType = mediaTypeOf(headers['content-type'] ?? '');
  if (mediaType === EVENT_STREAM) {
    const collected = collectEvents(body, declaration.outputBytesMax);
    const why = cut ?? (collected.isWhole ? undefined : 'size');
    return { output: eventsOutput(collected, noteOf(why)), cut: { hasMore: why !== undefined } };
  }
  const limits = limitsOf(declaration);
  if (body.length > 0 && JSON_TYPE.test(mediaType))
    return { output: parseOutput(body, limits.readBytesMax), ...limits.cut(false) };
  return { output: textOutput(body, cut !== undefined), ...limits.cut(cut !== undefined) };
}

function noteOf(cut: 'size' | 'time' | undefined): string | undefined {
  if (cut === undefined) return undefined;
  return cut === 'time'
    ? 'cut: the stream had not ended at the time limit of the tool'
    : 'cut: the stream went on beyond the size limit of the tool';
}
