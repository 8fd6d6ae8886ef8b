import { type Json, parseStrictJson } from '#writ/contracts';
import type { CutTerms } from '#writ/execution';
import { Fault, toFault } from '#writ/faults';

const OUTPUT_DEPTH_MAX = 32;
/** How much is read of a result that is cut: enough that redaction sees whole what the cut would part. */
const CUT_READ_BYTES_MAX = 1_048_576;

interface OutputLimits {
  readonly outputBytesMax: number;
  readonly onOversize: 'error' | 'cut';
}

/** How many bytes of a result are read, and how it is cut when that is more than it may have. */
export function limitsOf({ outputBytesMax, onOversize }: OutputLimits): {
  readonly readBytesMax: number;
  readonly cut: (hasMore: boolean) => { readonly cut?: CutTerms };
} {
  if (onOversize === 'error') return { readBytesMax: outputBytesMax, cut: () => ({}) };
  return {
    readBytesMax: Math.max(CUT_READ_BYTES_MAX, outputBytesMax),
    cut: (hasMore) => ({ cut: { bytesMax: outputBytesMax, hasMore } }),
  };
}

/** An answer that is text, or the beginning of one. What is not well-formed UTF-8 is EXECUTOR_BAD_ANSWER. */
export function textOutput(bytes: Uint8Array, isBeginning = false): string {
  try {
    // The last character of a beginning may be a part of one.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: isBeginning });
  } catch (cause) {
    throw new Fault('EXECUTOR_BAD_ANSWER', 'the answer is not text', { cause });
  }
}

/**
 * The JSON that a service or a tool server answered. What could not be carried exactly to the agent and into the record is
 * EXECUTOR_BAD_ANSWER: duplicate keys, unsafe integers, lone surrogates. Over the limit it is EXECUTOR_OUTPUT_TOO_LARGE.
 */
export function parseOutput(bytes: Uint8Array, bytesMax: number): Json {
  try {
    return parseStrictJson(bytes, { bytesMax, depthMax: OUTPUT_DEPTH_MAX });
  } catch (error) {
    const cause = toFault(error);
    if (cause.code === 'INPUT_TOO_LARGE') {
      throw new Fault('EXECUTOR_OUTPUT_TOO_LARGE', `the answer has more than ${bytesMax} bytes`);
    }
    throw new Fault('EXECUTOR_BAD_ANSWER', 'the answer is not JSON that can be carried exactly', { cause });
  }
}
