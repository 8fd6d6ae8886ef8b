import { formatVkey, type NoteKey, SigningKey } from '#writ/signing';
import { signCheckpoint, type TreeHead } from '#writ/tlog';
import { formatAddCheckpoint } from '#writ/witness';
import { leafHash } from '../../libs/tlog/src/hash.js';
import { merkleRoot } from '../../libs/tlog/src/merkle.js';
import { consistencyProof } from '../../libs/tlog/src/proof.js';

const LEAVES = 64;

/** A log of 64 leaves with checkpoints and proofs of every size, and other histories that the same key signs. */
export class TinyLog {
  readonly key: SigningKey;
  readonly vkey: string;
  readonly keys: readonly NoteKey[];

  private constructor(
    readonly origin: string,
    private readonly seed: number,
    private readonly leaves: readonly Buffer[],
  ) {
    this.key = new SigningKey(origin, Buffer.alloc(32, seed));
    this.keys = [{ name: origin, key: this.key.verifyKey }];
    this.vkey = formatVkey({ name: origin, key: this.key.verifyKey });
  }

  static of(origin = 'writ.example/acme/2026', seed = 1): TinyLog {
    return new TinyLog(
      origin,
      seed,
      Array.from({ length: LEAVES }, (_, index) => leafHash(Buffer.from(`${origin} ${index}`))),
    );
  }

  /** Another history that the same key signs: the same up to `size`, and other leaves from there. */
  forkedAt(size: number): TinyLog {
    const leaves = this.leaves.map((leaf, index) => (index < size ? leaf : leafHash(leaf)));
    return new TinyLog(this.origin, this.seed, leaves);
  }

  head(size: number): TreeHead {
    return { size, root: merkleRoot(this.leaves.slice(0, size)).toString('base64url') };
  }

  note(size: number): string {
    return signCheckpoint({ origin: this.origin, ...this.head(size) }, this.key);
  }

  proof(oldSize: number, size: number): Buffer[] {
    return oldSize === 0 ? [] : consistencyProof(this.leaves.slice(0, size), oldSize);
  }

  /** The body by which an honest log asks a witness that has `oldSize`. */
  request(oldSize: number, size: number): string {
    return formatAddCheckpoint({ oldSize, proof: this.proof(oldSize, size), note: this.note(size) });
  }
}
