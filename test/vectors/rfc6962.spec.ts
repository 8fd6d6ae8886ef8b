import { verifyConsistency, verifyInclusion } from '#writ/tlog';
import { readVectors } from './read-vectors.js';

interface InclusionVector {
  readonly leafIdx: number;
  readonly treeSize: number;
  readonly root: string;
  readonly leafHash: string;
  readonly proof: readonly string[] | null;
}
interface SubtreeVector extends InclusionVector {
  readonly start: number;
  readonly end: number;
}
interface ConsistencyVector {
  readonly size1: number;
  readonly size2: number;
  readonly root1: string;
  readonly root2: string;
  readonly proof: readonly string[] | null;
}
interface Case<V> {
  readonly path: string;
  readonly vector: V & { readonly wantErr: boolean };
}

const vectors = readVectors<{ readonly cases: readonly Case<unknown>[] }>('rfc6962-merkle-vectors.json');
const bytes = (base64: string) => Buffer.from(base64, 'base64');
const proofOf = ({ proof }: { readonly proof: readonly string[] | null }) => (proof ?? []).map(bytes);

/** The paths of the vectors of a family, and those on which the verifier disagrees. */
function run<V>(family: string, verify: (vector: V) => boolean) {
  const cases = (vectors?.cases ?? []).filter(({ path }) => path.startsWith(`${family}/`)) as readonly Case<V>[];
  const wrong = cases.filter(({ vector }) => verify(vector) === vector.wantErr).map(({ path }) => path);
  return { count: cases.length, wrong };
}

(vectors ? describe : describe.skip)('proofs against the RFC 6962 vectors of transparency-dev', () => {
  it('LEDGER-07: agrees with all inclusion vectors', () => {
    const answer = run<InclusionVector>('inclusion', (vector) =>
      verifyInclusion(
        { leaf: bytes(vector.leafHash), index: vector.leafIdx, size: vector.treeSize, root: bytes(vector.root) },
        proofOf(vector),
      ),
    );
    expect(answer).toEqual({ count: 98, wrong: [] });
  });

  it('LEDGER-07: agrees with all consistency vectors', () => {
    const answer = run<ConsistencyVector>('consistency', ({ size1, size2, root1, root2, ...vector }) =>
      verifyConsistency({ size1, root1: bytes(root1), size2, root2: bytes(root2) }, proofOf(vector)),
    );
    expect(answer).toEqual({ count: 98, wrong: [] });
  });

  it('agrees with all vectors of inclusion in a subtree, which is a tree of its own', () => {
    const answer = run<SubtreeVector>('subtreeinclusion', ({ start, end, leafIdx, leafHash, root, ...vector }) =>
      verifyInclusion(
        { leaf: bytes(leafHash), index: leafIdx - start, size: end - start, root: bytes(root) },
        proofOf(vector),
      ),
    );
    expect(answer).toEqual({ count: 204, wrong: [] });
  });
});
