import type { CommandBody, Json, Redaction } from '#writ/contracts';
import { type FaultCode, FAULTS } from '#writ/faults';
import { compileRedaction, type RedactionMeans } from '#writ/redaction';
import type { Tokenise } from '#writ/vault';
import { cutOutput } from './cut-output.js';
import type { RunResult } from './runner.js';

/** What came of running a command: what is recorded, stored and told. */
export type Outcome = { readonly labels?: readonly string[] } & (
  | { readonly status: 'completed'; readonly output: Json; readonly redactions?: readonly Redaction[] }
  | { readonly status: 'failed'; readonly code: FaultCode; readonly message: string }
);

/** As JSON, where a control character takes six bytes: what is stored and answered must fit its message. */
const OUTPUT_BYTES_MAX = 300_000;

/** What an output is redacted with: the means of the deployment, and what makes tokens for this call when policy asks for any. */
export interface OutputMeans {
  readonly means: RedactionMeans;
  readonly tokenise: Tokenise | undefined;
}

/** The outcome of an action that gave an output: redacted, cut where its tool is, within the limits, labelled, as policy demands. */
export function completedWith(
  body: CommandBody,
  { output, cut }: RunResult,
  means: OutputMeans,
): { readonly outcome: Outcome; readonly isCut: boolean } {
  const redacted = redactOutput(body, output, means);
  // Redacted first: what is cut in two is not recognised any more.
  const { outcome, isCut } = cutOutcome(redacted, cut);
  return { outcome: labelled(body, limitOutput(body, outcome)), isCut };
}

function cutOutcome(outcome: Outcome, cut: RunResult['cut']): { readonly outcome: Outcome; readonly isCut: boolean } {
  if (cut === undefined || outcome.status !== 'completed') return { outcome, isCut: false };
  const { output, isCut } = cutOutput(outcome.output, cut);
  return { outcome: { ...outcome, output }, isCut };
}

/** The outcome of an action that failed. Its error text comes from outside as much as an output does. */
export function failedWith(
  body: CommandBody,
  failed: { readonly code: FaultCode; readonly message: string },
  means: OutputMeans,
): Outcome {
  return labelled(body, redactFailure(body, { status: 'failed', ...failed }, means));
}

function redactOutput(body: CommandBody, output: Json, { means, tokenise }: OutputMeans): Outcome {
  const redactor = compileRedaction(body.obligations, 'output', means);
  if (redactor === undefined) return { status: 'completed', output };
  const redacted = redactor.redact(output, tokenise);
  return { status: 'completed', output: redacted.value, redactions: redacted.redactions };
}

/** An answer over the limit of policy is not given: cut, it would be another answer. */
function limitOutput({ obligations }: CommandBody, outcome: Outcome): Outcome {
  if (outcome.status !== 'completed') return outcome;
  const limits = obligations.flatMap((each) => (each.type === 'limit' && each.bytes !== undefined ? [each.bytes] : []));
  const bytesMax = Math.min(OUTPUT_BYTES_MAX, ...limits);
  const bytes = Buffer.byteLength(JSON.stringify(outcome.output));
  if (bytes <= bytesMax) return outcome;
  const whose = limits.length === 0 ? 'the limit is' : 'policy limits it to';
  const message = `the answer has ${bytes} bytes; ${whose} ${bytesMax}`;
  return { status: 'failed', code: 'EXECUTOR_OUTPUT_TOO_LARGE', message };
}

function labelled({ obligations }: CommandBody, outcome: Outcome): Outcome {
  const labels = obligations.flatMap((each) => (each.type === 'label' ? each.labels : []));
  return labels.length === 0 ? outcome : { ...outcome, labels: [...new Set(labels)] };
}

/** A service's error text is output too: what must be redacted in an answer must not leave in its error. */
function redactFailure(
  body: CommandBody,
  failed: { readonly status: 'failed'; readonly code: FaultCode; readonly message: string },
  { means, tokenise }: OutputMeans,
): Outcome {
  try {
    const redactor = compileRedaction(body.obligations, 'output', means);
    if (redactor === undefined) return failed;
    const message = redactor.redact(failed.message, tokenise).value;
    return { ...failed, message: typeof message === 'string' ? message : FAULTS[failed.code].means };
  } catch {
    return { ...failed, message: FAULTS[failed.code].means };
  }
}
