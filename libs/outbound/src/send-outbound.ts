import { CredentialReport } from './credential-report.js';
import { faultOf } from './faults.js';
import { openOutbound, type OutboundRequest } from './open-outbound.js';
import { type AnswerCuts, type OutboundAnswer, readAnswer } from './read-answer.js';

/** A request whose answer is read before it is handed on. */
export interface WholeRequest extends OutboundRequest {
  /** Where an answer of a media type may be cut at the limit or at the deadline. Absent: it is whole, or a fault. */
  readonly cuts?: ((mediaType: string) => AnswerCuts | undefined) | undefined;
}

/**
 * Sends one decided HTTP request by the rules of `openOutbound` and reads the answer, whole unless `cuts` allows less. A redirect is a
 * fault: each is a new request with a new decision. Throws Faults with EXECUTOR_* codes; EXECUTOR_UNREACHABLE and
 * EXECUTOR_ADDRESS_REFUSED mean that nothing was sent, and `transient` says of what passes by itself whether anything was.
 */
export async function sendOutbound(outbound: WholeRequest): Promise<OutboundAnswer> {
  const deadline = AbortSignal.timeout(outbound.timeoutMs);
  const signal = outbound.signal === undefined ? deadline : AbortSignal.any([deadline, outbound.signal]);
  const report = new CredentialReport(outbound);
  // Told at that very moment: a caller that gives up records what happened, and does not wait until this has ended.
  const onAbort = () => report.ended();
  outbound.signal?.addEventListener('abort', onAbort, { once: true });
  try {
    await using opened = await openOutbound(outbound, { signal, report });
    const read = await readAnswer(opened.answer, { url: opened.url, deadline }, outbound);
    if (read.echoed) report.echoed();
    report.ended();
    return read;
  } catch (thrown) {
    report.ended();
    throw faultOf(thrown, { isConnected: report.isConnected, deadline, ...outbound });
  } finally {
    outbound.signal?.removeEventListener('abort', onAbort);
  }
}
