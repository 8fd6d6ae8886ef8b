import { messageOf } from '#writ/faults';
import { type LogKey, openNote, type WitnessKey } from '#writ/signing';
import { isInRange, parseCheckpoint, type TreeHead } from '#writ/tlog';
import { checkpointPath } from '#writ/witness';
import type { WitnessAddress } from './ask-witness.js';
import { getText } from './http.js';

/** What a witness shows of a log. */
export type LastCosigned =
  /** The head that it cosigned last; log and witness have both signed it. */
  | { readonly status: 'head'; readonly head: TreeHead }
  /** It says that it cosigned nothing of this log. Nobody signed that: it may have forgotten. */
  | { readonly status: 'nothing' }
  | { readonly status: 'invalid' | 'unreachable'; readonly why: string };

const TIMEOUT_MS = 3_000;

/**
 * The head of a log that a witness cosigned last, for a log that starts: whoever has signed less than its witnesses have seen was
 * rolled back and must not sign. Never throws.
 */
export async function lastCosigned(
  { key, url }: WitnessAddress,
  log: { readonly origin: string; readonly logKeys: readonly LogKey[] },
  timeoutMs = TIMEOUT_MS,
): Promise<LastCosigned> {
  try {
    const path = `${url.replace(/\/+$/, '')}${checkpointPath(log.origin)}`;
    const reply = await getText(path, AbortSignal.timeout(timeoutMs));
    if (reply.status === 404) return { status: 'nothing' };
    if (reply.status !== 200) return { status: 'unreachable', why: `HTTP ${reply.status}` };
    return headIn(reply.body, log, key);
  } catch (error) {
    return { status: 'unreachable', why: messageOf(error) };
  }
}

/**
 * Attacker-controlled. The witness alone could invent a head, and stop the log with it, and so could the holder of a key that the log
 * has replaced; the witness and a key in force together cannot have.
 */
function headIn(note: string, log: { origin: string; logKeys: readonly LogKey[] }, witness: WitnessKey): LastCosigned {
  try {
    const { text, signers } = openNote(note, [...log.logKeys, witness]);
    const { size, root, ...claim } = parseCheckpoint(text);
    const isOfLog = log.logKeys.some((key) => signers.includes(key) && isInRange(key, size));
    if (isOfLog && signers.includes(witness) && claim.origin === log.origin)
      return { status: 'head', head: { size, root } };
    return { status: 'invalid', why: 'the checkpoint is not signed by this log and cosigned by the witness' };
  } catch (error) {
    return { status: 'invalid', why: messageOf(error) };
  }
}
