import { Fault } from '#writ/faults';
import { decodeBase64 } from '#writ/signing';
import { type Checkpoint, parseCheckpoint } from '#writ/tlog';

const HASH_BYTES = 32;
/** A proof between any two sizes that there can be is no longer (C2SP tlog-witness). */
const PROOF_LINES_MAX = 63;
/** What a request may have, in bytes: a full proof, and a checkpoint with every signature that a note may carry. */
export const REQUEST_BYTES_MAX = 65_536;

/** What a log asks of a witness: to cosign a checkpoint that extends the one of `oldSize` leaves. */
export interface AddCheckpoint {
  /** The size of the checkpoint that the witness cosigned last, as far as the log knows. 0: none. */
  readonly oldSize: number;
  /** Consistency proof (RFC 6962) from `oldSize` to the checkpoint. Empty from 0. */
  readonly proof: readonly Uint8Array[];
  /** The checkpoint with its signatures. */
  readonly note: string;
}

/** A request as it came, attacker-controlled: what the checkpoint says is a claim until `judge` has checked its signature. */
export interface ClaimedCheckpoint extends AddCheckpoint {
  readonly claim: Checkpoint;
}

/** The body of a C2SP tlog-witness 1.0.0 `add-checkpoint` request. */
export function formatAddCheckpoint({ oldSize, proof, note }: AddCheckpoint): string {
  const lines = [`old ${oldSize}`, ...proof.map((hash) => Buffer.from(hash).toString('base64'))];
  return `${lines.join('\n')}\n\n${note}`;
}

/** Reads the attacker-controlled body of an `add-checkpoint` request. Throws INPUT_INVALID. */
export function parseAddCheckpoint(body: string): ClaimedCheckpoint {
  const end = body.indexOf('\n\n');
  const [first = '', ...lines] = body.slice(0, Math.max(end, 0)).split('\n');
  const oldSize = Number(/^old (0|[1-9][0-9]{0,15})$/.exec(first)?.[1] ?? NaN);
  if (!Number.isSafeInteger(oldSize)) throw malformed('it does not start with `old SIZE`');
  if (lines.length > PROOF_LINES_MAX) throw malformed(`it has more than ${PROOF_LINES_MAX} lines of proof`);
  const proof = lines.map((line) => {
    const hash = decodeBase64(line, HASH_BYTES);
    if (hash === undefined) throw malformed('a line of its proof is no hash in base64');
    return hash;
  });
  const note = body.slice(end + 2);
  try {
    return { oldSize, proof, note, claim: parseCheckpoint(note.slice(0, note.lastIndexOf('\n\n') + 1)) };
  } catch (cause) {
    throw malformed('it has no checkpoint', cause);
  }
}

function malformed(why: string, cause?: unknown): Fault {
  return new Fault('INPUT_INVALID', `the request is no \`add-checkpoint\`: ${why}`, { cause });
}
