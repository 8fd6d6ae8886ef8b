import { type NoteKey, type NoteSignature, openNote } from '#writ/signing';
import { type TreeHead, verifyConsistency } from '#writ/tlog';
import type { ClaimedCheckpoint } from './add-checkpoint.js';

/** What a witness makes of a request. Only `consistent` may be cosigned; each of the others has its own answer in the protocol. */
export type Verdict =
  /** The checkpoint extends what was cosigned before, or is the same. */
  | { readonly status: 'consistent'; readonly text: string; readonly signatures: readonly NoteSignature[] }
  /** No key of this log signed it, or one did whose signature is not good. */
  | { readonly status: 'unsigned' }
  /** The log says that its tree was larger before. */
  | { readonly status: 'shrinking' }
  /** The log believes that another size was cosigned last than was. */
  | { readonly status: 'other_size'; readonly size: number }
  /** Signed by the log, as large as what was cosigned last, and another tree: the log has two histories. */
  | { readonly status: 'other_root'; readonly size: number }
  /** The proof does not show that this checkpoint has the last one as its beginning. */
  | { readonly status: 'inconsistent' };

/**
 * Judges an attacker-controlled request by the keys of its log and the head that was cosigned last; pure, and in the order of
 * C2SP tlog-witness 1.0.0. Anybody may send a request: that a log misbehaves follows from `other_root` alone, because the rest
 * can be sent along with a checkpoint that the log signed honestly.
 */
export function judge(request: ClaimedCheckpoint, logKeys: readonly NoteKey[], last: TreeHead): Verdict {
  const { claim, oldSize, proof } = request;
  const opened = openOrNot(request.note, logKeys);
  if (opened === undefined) return { status: 'unsigned' };
  if (oldSize > claim.size) return { status: 'shrinking' };
  if (oldSize !== last.size) return { status: 'other_size', size: last.size };
  if (claim.size === last.size && claim.root !== last.root) return { status: 'other_root', size: last.size };
  return isExtension(claim, last, proof) ? { status: 'consistent', ...opened } : { status: 'inconsistent' };
}

/** Every tree has the empty one as its beginning, and every tree is its own: both without proof. */
function isExtension(next: TreeHead, last: TreeHead, proof: readonly Uint8Array[]): boolean {
  if (last.size === 0 || next.size === last.size) return proof.length === 0;
  const root = (head: TreeHead) => Buffer.from(head.root, 'base64url');
  return verifyConsistency({ size1: last.size, root1: root(last), size2: next.size, root2: root(next) }, proof);
}

function openOrNot(note: string, logKeys: readonly NoteKey[]) {
  try {
    const { text, signatures } = openNote(note, logKeys);
    return { text, signatures };
  } catch {
    // What is wrong with the signatures is the sender's to find: a witness tells everybody the same.
    return undefined;
  }
}
