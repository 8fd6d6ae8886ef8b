import { type Json, parseStrictJson } from '#writ/contracts';
import { Fault, toFault } from '#writ/faults';

const OUTPUT_DEPTH_MAX = 32;
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** An answer that is text. What is not well-formed UTF-8 is EXECUTOR_BAD_ANSWER. */
export function textOutput(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
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
