/** What stands beside a log, for a reader without Writ. It is no evidence. */
export const README_TEXT = `This directory is the log of a Writ ledger: what agents asked for, what was decided and by which policy, and what
came of it. It holds commitments, never arguments or results. Its format is C2SP tlog-tiles, with a block index beside it.

  checkpoint          the signed head (C2SP tlog-checkpoint): number of leaves and RFC 6962 root over all of them
  checkpoints/SIZE    earlier heads, if they were kept
  tile/entries/N      the leaves, 256 in a file: for each its length in 16 bits, big-endian, and its bytes
  tile/LEVEL/N        hashes of the tree, 256 in a file. N.p/WIDTH is a file that is not full yet
  blocks/N.jsonl      the block index, 256 lines in a file: which leaves a producer signed for, with header and signature.
                      A signature is Ed25519 over "writ-block/v1", a line end and the header as canonical JSON (RFC 8785);
                      its "root" is the RFC 6962 root over those leaves. A line with "rejected" is a message that counted for
                      nothing, and its leaf says why
  bundle              who may write what: a C2SP signed note by the root key
  root.vkey           the root key as the exporter knew it. Compare it with the one that you were given.

To verify, offline:

  writ ledger verify DIR --root VKEY [--head EARLIER_CHECKPOINT]

Exit code: 0 witnessed, 10 valid but not witnessed, 20 incomplete or stale, 30 two histories, 40 invalid. Keep the
checkpoint: given to a later verification, it shows whether the end of the ledger was cut, or its past replaced.
`;
