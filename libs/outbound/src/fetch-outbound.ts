import type { LeasedCredential } from '#writ/credentials';
import { Fault } from '#writ/faults';
import { CredentialReport } from './credential-report.js';
import { EventBlocks } from './event-blocks.js';
import { faultOf } from './faults.js';
import { type OpenAnswer, openOutbound, type OutboundRequest } from './open-outbound.js';
import { mediaTypeOf, type OutboundAnswer, readAnswer, readHead } from './read-answer.js';

// The standard gives a `Response` with one of these no body.
const WITHOUT_BODY = [204, 205, 304];

/**
 * The same as `sendOutbound` for a library that wants a `fetch`. A stream of events is handed on as it comes, event by event, so that the
 * credential is taken out of each; its time limit ends with its head, its size limit holds for all of it. Every other answer is read
 * first. Throws Faults with EXECUTOR_* codes, and so does the body.
 */
export async function fetchOutbound(outbound: OutboundRequest): Promise<Response> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), outbound.timeoutMs);
  const deadline = late.signal;
  const signal = outbound.signal === undefined ? deadline : AbortSignal.any([deadline, outbound.signal]);
  const report = new CredentialReport(outbound);
  // Told at that very moment: of a stream, whoever stops reading it has what they want.
  outbound.signal?.addEventListener('abort', () => report.ended(), { once: true });
  const fail = (thrown: unknown) => {
    report.ended();
    return faultOf(thrown, { isConnected: report.isConnected, deadline, ...outbound });
  };
  try {
    const opened = await openOutbound(outbound, { signal, report });
    const contentType = opened.answer.headers['content-type'];
    if (typeof contentType === 'string' && mediaTypeOf(contentType) === 'text/event-stream')
      return await streamOf(opened, outbound, { report, fail });
    await using whole = opened;
    const read = await readAnswer(whole.answer, { url: whole.url, deadline }, outbound);
    if (read.echoed) report.echoed();
    report.ended();
    return responseOf(read);
  } catch (thrown) {
    throw fail(thrown);
  } finally {
    clearTimeout(timer);
  }
}

interface StreamEnds {
  readonly report: CredentialReport;
  readonly fail: (thrown: unknown) => Fault;
}

async function streamOf(opened: OpenAnswer, outbound: OutboundRequest, ends: StreamEnds): Promise<Response> {
  try {
    const { headers, found } = readHead(opened.answer, opened.url, outbound.credential);
    if (found) ends.report.echoed();
    const events = eventsOf(opened, outbound, ends);
    return new Response(ReadableStream.from(events), { status: opened.answer.statusCode, headers });
  } catch (error) {
    await opened[Symbol.asyncDispose]();
    throw error;
  }
}

function responseOf({ status, headers, body }: OutboundAnswer): Response {
  return new Response(WITHOUT_BODY.includes(status) ? null : new Uint8Array(body), { status, headers });
}

async function* eventsOf(
  opened: OpenAnswer,
  { responseBytesMax, credential }: OutboundRequest,
  { report, fail }: StreamEnds,
): AsyncGenerator<Uint8Array, void, undefined> {
  await using ended = opened;
  const blocks = new EventBlocks();
  let bytes = 0;
  try {
    for await (const chunk of ended.answer.body as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > responseBytesMax)
        throw new Fault('EXECUTOR_OUTPUT_TOO_LARGE', `the answer has more than ${responseBytesMax} bytes`);
      const whole = blocks.push(chunk);
      if (whole === undefined) continue;
      const scrubbed = scrub(whole, credential);
      if (scrubbed.found) report.echoed();
      yield new Uint8Array(scrubbed.bytes);
    }
    // What no blank line ended is no event: it stays here.
  } catch (thrown) {
    throw fail(thrown);
  } finally {
    report.ended();
  }
}

function scrub(bytes: Buffer, credential: LeasedCredential | undefined) {
  return credential?.scrub(bytes) ?? { bytes, found: false };
}
