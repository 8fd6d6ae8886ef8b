import { messageOf } from '#writ/faults';
import { openNote, type WitnessKey } from '#writ/signing';
import { formatAddCheckpoint, SIZE_MEDIA_TYPE } from '#writ/witness';

/** A witness, and where it takes requests. */
export interface WitnessAddress {
  readonly key: WitnessKey;
  /** Up to the `/add-checkpoint`, which is appended. */
  readonly url: string;
}

/** What a witness sent, whole. */
export interface HttpReply {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

export interface Question {
  /** The checkpoint, signed by the log. */
  readonly note: string;
  /** Its text and size, as the log signed them. */
  readonly text: string;
  readonly size: number;
  /** The size that this witness cosigned last, as far as is known; 0 when nothing is. */
  readonly knownSize: number;
  /** Consistency proof (RFC 6962) from an older size to this checkpoint. */
  readonly proof: (oldSize: number) => Promise<readonly Uint8Array[]>;
  /** Sends one request. Rejects when no whole answer comes, in time and within limits. */
  readonly post: (url: string, body: string) => Promise<HttpReply>;
  /** In milliseconds since 1970. */
  readonly now: () => number;
}

/** What came of asking one witness. */
export type WitnessAnswer = { readonly name: string } & (
  | {
      readonly status: 'cosigned';
      /** The signature line, without its line end. */
      readonly line: string;
      /** In seconds since 1970. */
      readonly time: number;
      /** The size that the witness has now: what to remember of it. */
      readonly size: number;
      /** The witness had an older size than is known of it: it was restored from a backup, or somebody rolled it back. */
      readonly hasForgotten: boolean;
    }
  /**
   * The witness has seen another history than this one: `ahead`, a larger tree; `other_root`, another tree of this size;
   * `inconsistent`, a tree that this one does not extend. Possibly a split view. Stop and find out: never sign over it. The
   * witness alone says so; `lastCosigned` has the signature of the log as well, and that is proof.
   */
  | { readonly status: 'conflict'; readonly why: 'ahead' | 'other_root' | 'inconsistent'; readonly size?: number }
  /** The witness said no for a reason that is no history: it does not know the log, or its key. */
  | { readonly status: 'refused'; readonly why: string }
  /** The witness said something that no honest one says, or its clock is wrong. */
  | { readonly status: 'invalid'; readonly why: string }
  /** The log has no proof from the size that the witness names, so it could not be asked. */
  | { readonly status: 'unproven'; readonly why: string; readonly size: number }
  /** No whole answer came. Ask again later. */
  | { readonly status: 'unreachable'; readonly why: string }
);

type Said = WitnessAnswer extends infer A ? (A extends unknown ? Omit<A, 'name'> : never) : never;

/** The first request, one with the size that the witness then names, and one more if it moved meanwhile. */
const ROUNDS_MAX = 3;
/** Times are evidence: a witness whose clock is further away than this gives none. */
const CLOCK_SKEW_SECONDS_MAX = 300;
const SHOWN_MAX = 200;

/** Asks one witness to cosign a checkpoint, following the size that it names. Never throws: what goes wrong is an answer. */
export async function askWitness({ key, url }: WitnessAddress, question: Question): Promise<WitnessAnswer> {
  const { name } = key;
  try {
    let oldSize = Math.min(question.knownSize, question.size);
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const said = await askOnce({ key, url }, question, oldSize);
      if (!('goOnFrom' in said)) return { name, ...said };
      oldSize = said.goOnFrom;
    }
    return { name, status: 'invalid', why: 'it names another size each time' };
  } catch (error) {
    return { name, status: 'unreachable', why: messageOf(error).slice(0, SHOWN_MAX) };
  }
}

async function askOnce(
  { key, url }: WitnessAddress,
  question: Question,
  oldSize: number,
): Promise<Said | { readonly goOnFrom: number }> {
  const proof = await proofFrom(oldSize, question);
  if (!Array.isArray(proof)) return { status: 'unproven', why: proof.why, size: oldSize };
  const body = formatAddCheckpoint({ oldSize, proof, note: question.note });
  const reply = await question.post(`${url.replace(/\/+$/, '')}/add-checkpoint`, body);
  switch (reply.status) {
    case 200:
      return cosignatureIn(reply.body, key, question, oldSize);
    case 409:
      return afterConflict(reply, question, oldSize);
    case 422:
      return { status: 'conflict', why: 'inconsistent', size: oldSize };
    default:
      if (reply.status >= 500 || reply.status === 429) return { status: 'unreachable', why: `HTTP ${reply.status}` };
      return { status: 'refused', why: `HTTP ${reply.status}: ${printable(reply.body)}` };
  }
}

/** Every tree has the empty one as its beginning, and itself: both without proof. */
async function proofFrom(oldSize: number, { size, proof }: Question): Promise<Uint8Array[] | { readonly why: string }> {
  if (oldSize === 0 || oldSize === size) return [];
  try {
    return [...(await proof(oldSize))];
  } catch (error) {
    return { why: messageOf(error) };
  }
}

/** The size in a 409 decides: what is behind us can be extended, what is ahead of us or differs from us is another history. */
function afterConflict(reply: HttpReply, { size }: Question, oldSize: number): Said | { readonly goOnFrom: number } {
  const named = Number(/^(0|[1-9][0-9]{0,15})\n?$/.exec(reply.body)?.[1] ?? NaN);
  const isSize = reply.contentType.startsWith(SIZE_MEDIA_TYPE) && Number.isSafeInteger(named);
  if (!isSize) return { status: 'invalid', why: 'it answers 409 without its size' };
  if (named > size) return { status: 'conflict', why: 'ahead', size: named };
  if (named !== oldSize) return { goOnFrom: named };
  if (named === size) return { status: 'conflict', why: 'other_root', size };
  return { status: 'invalid', why: 'it answers 409 to the size that it has' };
}

/** One cosignature of this witness over exactly this checkpoint; lines of other keys are not ours to pass on. */
function cosignatureIn(lines: string, key: WitnessKey, question: Question, oldSize: number): Said {
  const { text, size, knownSize } = question;
  const cosignature = signaturesIn(`${text}\n${lines}`, key)?.at(-1);
  if (cosignature?.time === undefined) return { status: 'invalid', why: 'it sends no good cosignature of its key' };
  const { line, time } = cosignature;
  const skew = time - question.now() / 1_000;
  if (Math.abs(skew) > CLOCK_SKEW_SECONDS_MAX)
    return { status: 'invalid', why: `its clock and ours are ${Math.abs(Math.round(skew))} s apart` };
  return { status: 'cosigned', line, time, size, hasForgotten: oldSize < Math.min(knownSize, size) };
}

function signaturesIn(note: string, key: WitnessKey) {
  try {
    return openNote(note, [key]).signatures;
  } catch {
    // Attacker-controlled: whatever is wrong with it, it is no cosignature.
    return undefined;
  }
}

/** Attacker-controlled text for a log: short, and without what a terminal would obey. */
function printable(text: string): string {
  return text
    .slice(0, SHOWN_MAX)
    .replaceAll(/[^\x20-\x7e]+/g, ' ')
    .trim();
}
