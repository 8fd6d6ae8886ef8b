import assert from 'node:assert/strict';
import { addQuery, fillUrl, type CatalogueTool, type HttpToolDeclaration, type UrlTemplate } from '#writ/catalogue';
import type { CommandBody, Json } from '#writ/contracts';
import type { RunResult } from '#writ/execution';
import { Fault } from '#writ/faults';
import type { OutboundAnswer } from '#writ/outbound';
import { parseOutput, textOutput } from './output.js';
import type { CredentialLeases, SendOutbound, ToolKindRunner, ToolRun } from './ports.js';
import { statusFault } from './status-fault.js';

/** Runs HTTP tools: arguments into the URL, the query or a JSON body; the credential, by name, into its own header. */
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
      responseBytesMax: declaration.outputBytesMax,
      signal,
      credential,
      onCredentialSent: onCredential,
    });
    if (answer.status >= 400) throw statusFault(answer, Date.now());
    return { output: outputOf(answer, declaration.outputBytesMax), bytes: answer.body.length };
  }
}

function requestOf(template: UrlTemplate, declaration: HttpToolDeclaration, command: CommandBody) {
  // Redaction may have changed the arguments since they were checked against the schema.
  const filled = fillUrl(template, command.args);
  if ('problem' in filled) throw new Fault('EXECUTOR_FAILED', filled.problem);
  const hasBody = !['GET', 'DELETE'].includes(declaration.method);
  return {
    method: declaration.method,
    url: hasBody ? filled.url : addQuery(filled.url, filled.rest),
    headers: headersOf(declaration, command, hasBody),
    body: hasBody ? JSON.stringify(filled.rest) : undefined,
  };
}

function headersOf(declaration: HttpToolDeclaration, command: CommandBody, hasBody: boolean): Record<string, string> {
  const own: Record<string, string> = { accept: 'application/json, text/plain;q=0.9, */*;q=0.1' };
  if (hasBody) own['content-type'] = 'application/json';
  const declared = Object.entries(declaration.headers).map(([name, value]) => [name.toLowerCase(), value] as const);
  const headers = { ...own, ...Object.fromEntries(declared) };
  // The same call gives the same key however often it is delivered, and no other call of any agent does.
  if (declaration.idempotent) headers['idempotency-key'] = `${command.tenant}/${command.agent}/${command.call}`;
  return headers;
}

function outputOf({ headers, body }: OutboundAnswer, bytesMax: number): Json {
  const mediaType = (headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (body.length > 0 && /^(application|text)\/([a-z0-9.-]+\+)?json$/.test(mediaType))
    return parseOutput(body, bytesMax);
  return textOutput(body);
}
