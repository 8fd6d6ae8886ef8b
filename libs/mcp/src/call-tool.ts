import type { JsonObject, Progress } from '#writ/contracts';
import { Fault } from '#writ/faults';
import { type Client, ProtocolError, SdkError, SdkErrorCode, SdkHttpError } from '@modelcontextprotocol/client';

interface CallToolOptions {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  readonly onProgress?: ((said: Progress) => void) | undefined;
}

/** Calls a tool once. The result's `content` and `structuredContent`; throws what the SDK throws, which `faultOf` makes a Fault of. */
export async function callTool(
  client: Client,
  request: { readonly name: string; readonly arguments: Record<string, unknown> },
  { signal, timeoutMs, onProgress }: CallToolOptions,
): Promise<JsonObject> {
  const result = await client.callTool(request, {
    signal,
    timeout: timeoutMs,
    ...(onProgress !== undefined && {
      onprogress: ({ progress, total, message }) =>
        onProgress({ progress, ...(total !== undefined && { total }), ...(message !== undefined && { message }) }),
    }),
  });
  // What an agent is told about a failure is also logged, so the text of the tool stays out of it.
  if (result.isError === true) throw new Fault('EXECUTOR_FAILED', 'the tool reported an error');
  const { content, structuredContent } = result;
  return { content, ...(structuredContent === undefined ? {} : { structuredContent }) } as unknown as JsonObject;
}

/** The server's own words stay out: they are attacker-controlled, and a log holds no payload. */
export function faultOf(error: unknown): Fault {
  if (error instanceof Fault) return error;
  if (error instanceof ProtocolError) {
    return new Fault('EXECUTOR_FAILED', `the MCP server refused the call with code ${error.code}`);
  }
  if (error instanceof SdkHttpError)
    return new Fault('EXECUTOR_FAILED', `the MCP server answered with status ${error.status}`);
  if (!(error instanceof SdkError)) return new Fault('EXECUTOR_FAILED', 'the MCP server could not be called');
  switch (error.code) {
    case SdkErrorCode.RequestTimeout:
      return new Fault('EXECUTOR_TIMEOUT', 'the tool did not answer in time');
    case SdkErrorCode.NotConnected:
      return new Fault('EXECUTOR_UNREACHABLE', 'the MCP server is not running');
    case SdkErrorCode.ConnectionClosed:
    case SdkErrorCode.SendFailed:
      return new Fault('EXECUTOR_FAILED', 'the MCP server ended before it answered');
    default:
      return new Fault('EXECUTOR_BAD_ANSWER', `the answer of the MCP server cannot be used (${error.code})`);
  }
}
