import { cosign, SigningKey, witnessKeyOf, type NoteKey } from '#writ/signing';
import { signCheckpoint } from '#writ/tlog';
import { EMPTY_ROOT, leafHash } from '../../tlog/src/hash.js';
import { merkleRoot } from '../../tlog/src/merkle.js';
import { consistencyProof } from '../../tlog/src/proof.js';
import { formatAddCheckpoint, parseAddCheckpoint } from './add-checkpoint.js';
import { judge } from './judge.js';

const ORIGIN = 'writ.example/acme/2026';
const logKey = new SigningKey(ORIGIN, Buffer.alloc(32, 1));
const known: readonly NoteKey[] = [{ name: ORIGIN, key: logKey.verifyKey }];
const leaves = Array.from({ length: 20 }, (_, index) => leafHash(Buffer.from(`leaf ${index}`)));
const others = leaves.map((leaf, index) => (index < 5 ? leaf : leafHash(leaf)));

const headOf = (size: number, tree = leaves) => ({ size, root: merkleRoot(tree.slice(0, size)).toString('base64url') });
const noteOf = (size: number, tree = leaves) => signCheckpoint({ origin: ORIGIN, ...headOf(size, tree) }, logKey);
const proofOf = (from: number, to: number, tree = leaves) =>
  from === 0 ? [] : consistencyProof(tree.slice(0, to), from);
const ask = (oldSize: number, proof: readonly Uint8Array[], note: string) =>
  parseAddCheckpoint(formatAddCheckpoint({ oldSize, proof, note }));
const judged = (request: ReturnType<typeof ask>, size: number) => judge(request, known, headOf(size)).status;

describe('a witness', () => {
  it('finds every honest extension consistent, from every size to every size, and no extension of another tree', () => {
    for (let to = 0; to <= leaves.length; to++) {
      for (let from = 0; from <= to; from++) {
        expect(judged(ask(from, proofOf(from, to), noteOf(to)), from)).toBe('consistent');
        if (from > 5 && to > from) {
          expect(judged(ask(from, proofOf(from, to, others), noteOf(to, others)), from)).toBe('inconsistent');
        }
      }
    }
  });

  it.each([
    // case                                        request                                                        last  verdict
    ['another tree of the same size', ask(9, [], noteOf(9, others)), 9, 'other_root'],
    ['another empty tree', ask(0, [], noteOf(0).replace('47DE', '47DF')), 0, 'unsigned'],
    ['the fork shown to one auditor: an old size', ask(4, proofOf(4, 12, others), noteOf(12, others)), 9, 'other_size'],
    ['the fork shown to one auditor: from nothing', ask(0, [], noteOf(12, others)), 9, 'other_size'],
    ['the fork shown to one auditor: our size', ask(9, proofOf(9, 12), noteOf(12, others)), 9, 'inconsistent'],
    ['a sealer that was rolled back', ask(7, [], noteOf(7)), 9, 'other_size'],
    ['a log that says it shrank', ask(9, [], noteOf(7)), 9, 'shrinking'],
    ['a log that was ahead of us', ask(12, proofOf(12, 14), noteOf(14)), 9, 'other_size'],
    ['no proof', ask(9, [], noteOf(12)), 9, 'inconsistent'],
    ['a proof where none belongs', ask(0, proofOf(4, 12), noteOf(12)), 0, 'inconsistent'],
    ['a proof of nothing new', ask(9, proofOf(4, 9), noteOf(9)), 9, 'inconsistent'],
    ['a hash too many', ask(9, [...proofOf(9, 12), EMPTY_ROOT], noteOf(12)), 9, 'inconsistent'],
  ])('of %s says so', (_case, request, last, verdict) => {
    expect(judged(request, last)).toBe(verdict);
  });

  it('tells the size that it cosigned last', () => {
    expect(judge(ask(4, [], noteOf(4)), known, headOf(9))).toEqual({ status: 'other_size', size: 9 });
  });

  it('takes nothing that no key of the log signed', () => {
    const impostor = new SigningKey(ORIGIN, Buffer.alloc(32, 9));
    const text = noteOf(9).split('\n\n')[0] ?? '';
    const unsigned = [
      signCheckpoint({ origin: ORIGIN, ...headOf(9) }, impostor),
      `${text}\n\n`,
      `${text}\n\nno signature line\n`,
      noteOf(9).replace('\n', '\u0007\n'),
      `${noteOf(9)}${'\u2014 x AAAAAAA=\n'.repeat(100)}`,
      `${text}\n\n${cosign(`${text}\n`, logKey, 1)}\n`,
      noteOf(9).replace('\n9\n', '\n8\n'),
      // The key of one log does not sign for another.
      signCheckpoint({ origin: ORIGIN, ...headOf(9) }, new SigningKey('writ.example/other', Buffer.alloc(32, 2))),
    ];
    for (const note of unsigned) expect(judged(ask(0, [], note), 0)).toBe('unsigned');
  });

  it('takes nothing with a bad signature of a known key beside a good one', () => {
    const forged = signCheckpoint({ origin: ORIGIN, ...headOf(8) }, logKey).split('\n\n')[1] ?? '';
    expect(judged(ask(0, [], noteOf(9) + forged), 0)).toBe('unsigned');
  });

  it('gives back the lines of known keys alone: nobody else gets to be shown to monitors', () => {
    const stranger = new SigningKey('stranger.example/x', Buffer.alloc(32, 7));
    const text = `${noteOf(9).split('\n\n')[0]}\n`;
    const note = `${noteOf(9)}${cosign(text, stranger, 5)}\n`;
    const verdict = judge(ask(0, [], note), [...known, witnessKeyOf(logKey)], headOf(0));
    expect(verdict).toMatchObject({ status: 'consistent', text, signatures: [{ signer: { name: ORIGIN } }] });
  });
});

describe('parseAddCheckpoint', () => {
  const hash = EMPTY_ROOT.toString('base64');
  const note = noteOf(3);

  it('reads what formatAddCheckpoint wrote', () => {
    const proof = proofOf(3, 17);
    const body = formatAddCheckpoint({ oldSize: 3, proof, note: noteOf(17) });
    expect(parseAddCheckpoint(body)).toEqual({
      oldSize: 3,
      proof,
      note: noteOf(17),
      claim: { origin: ORIGIN, ...headOf(17) },
    });
  });

  it.each([
    ['nothing', ''],
    ['a checkpoint alone', note],
    ['no old size', `${hash}\n\n${note}`],
    ['a size with a leading zero', `old 01\n\n${note}`],
    ['a negative size', `old -1\n\n${note}`],
    ['a size in another notation', `old 1e3\n\n${note}`],
    ['a size that a double does not carry', `old 9007199254740993\n\n${note}`],
    ['two blanks', `old  1\n\n${note}`],
    ['carriage returns', `old 1\r\n\n${note}`],
    ['a proof line that is no base64', `old 1\nnonsense\n\n${note}`],
    ['a proof line of 31 bytes', `old 1\n${Buffer.alloc(31).toString('base64')}\n\n${note}`],
    ['a proof line in base64url', `old 1\n${EMPTY_ROOT.toString('base64url')}\n\n${note}`],
    ['64 lines of proof', `old 1\n${`${hash}\n`.repeat(64)}\n${note}`],
    ['no empty line', `old 1\n${hash}\n${note.replace('\n\n', '\n')}`],
    ['no checkpoint', `old 1\n\n`],
    ['a checkpoint without signatures', `old 1\n\n${note.split('\n\n')[0]}\n`],
    ['a checkpoint without a root', `old 1\n\n${note.replace(/\n[^\n]+\n\n/, '\n\n')}`],
  ])('refuses %s', (_case, body) => {
    expect(() => parseAddCheckpoint(body)).toThrow(expect.objectContaining({ code: 'INPUT_INVALID' }));
  });

  it('takes 63 lines of proof', () => {
    expect(parseAddCheckpoint(`old 1\n${`${hash}\n`.repeat(63)}\n${note}`).proof).toHaveLength(63);
  });
});
