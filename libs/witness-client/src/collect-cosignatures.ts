import { cosignedBy, type NoteKey, openNote } from '#writ/signing';
import { parseCheckpoint } from '#writ/tlog';
import { askWitness, type Question, type WitnessAddress, type WitnessAnswer } from './ask-witness.js';
import { postText } from './http.js';

export interface CollectOptions {
  /** A checkpoint that the log has signed. It must be durable already: from here on it is public. */
  readonly note: string;
  readonly logKeys: readonly NoteKey[];
  readonly witnesses: readonly WitnessAddress[];
  /** The size that each witness cosigned last, by its name; what is not known is asked for. */
  readonly knownSizes: ReadonlyMap<string, number>;
  readonly proof: Question['proof'];
  /** How long one witness may take, all its requests together. */
  readonly timeoutMs?: number;
  readonly now?: () => number;
}

/** What the witnesses said to a checkpoint. */
export interface Collected {
  /** The checkpoint with the signatures that it came with and every cosignature that is good. */
  readonly note: string;
  readonly cosigners: readonly string[];
  /** One per witness, in the order in which they were given. */
  readonly answers: readonly WitnessAnswer[];
}

const TIMEOUT_MS = 3_000;

/**
 * Asks all witnesses at once to cosign a checkpoint, each within its time, and returns the note with the cosignatures that
 * verify, and what each of them said. Whether they are enough is the caller's to say; an answer of `conflict` is never to be
 * passed over, whatever the others say. Throws LEDGER_CORRUPT when the note is not signed by the log.
 */
export async function collectCosignatures(options: CollectOptions): Promise<Collected> {
  const { note, witnesses, knownSizes, proof, now = Date.now } = options;
  const { text } = openNote(note, options.logKeys);
  const { size } = parseCheckpoint(text);
  const answers = await Promise.all(
    witnesses.map((witness) => {
      const signal = AbortSignal.timeout(options.timeoutMs ?? TIMEOUT_MS);
      const knownSize = knownSizes.get(witness.key.name) ?? 0;
      const post = (url: string, body: string) => postText(url, body, signal);
      return askWitness(witness, { note, text, size, knownSize, proof, post, now });
    }),
  );
  const lines = answers.flatMap((answer) => (answer.status === 'cosigned' ? [`${answer.line}\n`] : []));
  const cosigned = note + lines.join('');
  const keys = witnesses.map(({ key }) => key);
  return { note: cosigned, cosigners: cosignedBy(cosigned, keys).map(({ name }) => name), answers };
}
