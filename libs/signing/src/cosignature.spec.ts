import {
  GOLDEN_LOG_VKEY,
  GOLDEN_NOTE,
  GOLDEN_TEXT,
  GOLDEN_TIME,
  GOLDEN_WITNESS_VKEY,
  goldenLog,
  goldenWitness,
} from '../../../test/vectors/golden-notes.js';
import { cosign, witnessKeyOf } from './cosignature.js';
import { SigningKey } from './key.js';
import { formatVkey, noteKeyId, parseVkey, parseWitnessVkey, signatureLine } from './note-key.js';
import { openNote, signNote } from './note.js';
import { cosignedBy } from './witnesses.js';

const log = parseVkey(GOLDEN_LOG_VKEY);
const witness = parseWitnessVkey(GOLDEN_WITNESS_VKEY);
const signed = signNote(GOLDEN_TEXT, [goldenLog]);
const withLines = (...lines: string[]) => signed + lines.map((line) => `${line}\n`).join('');

describe('a cosignature', () => {
  it('is what other implementations make of the same key, time and text', () => {
    expect(withLines(cosign(GOLDEN_TEXT, goldenWitness, GOLDEN_TIME))).toBe(GOLDEN_NOTE);
    expect(formatVkey(witnessKeyOf(goldenWitness))).toBe(GOLDEN_WITNESS_VKEY);
  });

  it('opens beside the signature of the log, and tells its time', () => {
    const { signers, signatures } = openNote(GOLDEN_NOTE, [log, witness]);
    expect(signers).toEqual([log, witness]);
    expect(signatures.map(({ signer, time }) => [signer.name, time])).toEqual([
      [log.name, undefined],
      [witness.name, GOLDEN_TIME],
    ]);
    expect(cosignedBy(GOLDEN_NOTE, [witness])).toEqual([{ name: witness.name, time: GOLDEN_TIME }]);
  });

  it.each([
    ['another text', cosign('other\n7\nroot\n', goldenWitness, GOLDEN_TIME)],
    ['no time', signatureLine(witness, goldenWitness.sign(Buffer.from(GOLDEN_TEXT)))],
    ['a time alone', signatureLine(witness, Buffer.alloc(8, 1))],
    ['the time 0', stamped(0n)],
    ['a time that a double does not carry', stamped(2n ** 53n + 1n)],
    ['a time beyond what the standard has', stamped(2n ** 64n - 1n)],
    ['a byte too many', signatureLine(witness, Buffer.concat([blobOf(GOLDEN_NOTE), Buffer.alloc(1)]))],
    ['another time than was signed', signatureLine(witness, moved(blobOf(GOLDEN_NOTE)))],
  ])('of %s rejects the whole note, the good signature of the log included', (_case, line) => {
    for (const known of [[log, witness], [witness]])
      expect(() => openNote(withLines(line), known)).toThrow(
        expect.objectContaining({ code: 'LEDGER_CORRUPT', message: expect.stringContaining('does not verify') }),
      );
    expect(() => cosignedBy(withLines(line), [witness])).toThrow('does not verify');
  });

  it('rejects the note also when a good one of the same witness stands beside it', () => {
    const bad = signatureLine(witness, moved(blobOf(GOLDEN_NOTE)));
    expect(() => cosignedBy(`${GOLDEN_NOTE}${bad}\n`, [witness])).toThrow('does not verify');
    expect(() => cosignedBy(`${withLines(bad)}${GOLDEN_NOTE.split('\n').at(-2)}\n`, [witness])).toThrow(
      'does not verify',
    );
  });

  it('of each bit changed does not count', () => {
    const [text = '', block = ''] = GOLDEN_NOTE.split('\n\n');
    const line = block.split('\n')[1] ?? '';
    const bytes = Buffer.from(`${line}\n`);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      let names: readonly string[] = [];
      try {
        names = cosignedBy(`${text}\n\n${changed.toString('utf8')}`, [witness]).map(({ name }) => name);
      } catch (error) {
        expect(error).toMatchObject({ code: 'LEDGER_CORRUPT' });
      }
      expect(names).toEqual([]);
    }
  });

  it('is no signature of a log, nor the other way round, also with one and the same key', () => {
    const both = new SigningKey('both.example/x', Buffer.alloc(32, 3));
    const asLog = { name: both.name, key: both.verifyKey };
    const cosigned = `${GOLDEN_TEXT}\n${cosign(GOLDEN_TEXT, both, GOLDEN_TIME)}\n`;
    expect(() => openNote(cosigned, [asLog])).toThrow('no known key signed it');
    expect(cosignedBy(signNote(GOLDEN_TEXT, [both]), [witnessKeyOf(both)])).toEqual([]);
    const relabelled = signatureLine(asLog, blobOf(cosigned));
    expect(() => openNote(withLines(relabelled), [asLog])).toThrow('does not verify');
    expect(noteKeyId(asLog)).not.toEqual(noteKeyId(witnessKeyOf(both)));
  });

  it('is not made without a time in whole seconds', () => {
    for (const time of [0, -1, 1.5, NaN, 2 ** 53]) {
      expect(() => cosign(GOLDEN_TEXT, goldenWitness, time)).toThrow(RangeError);
    }
  });
});

describe('cosignedBy', () => {
  it('names a witness once, with its newest time', () => {
    const later = cosign(GOLDEN_TEXT, goldenWitness, GOLDEN_TIME + 60);
    expect(cosignedBy(`${GOLDEN_NOTE}${later}\n`, [witness])).toEqual([{ name: witness.name, time: GOLDEN_TIME + 60 }]);
  });

  it('names nobody when the cosignatures were stripped', () => {
    expect(cosignedBy(signed, [witness])).toEqual([]);
  });

  it('ignores a witness that it does not know, also one by the name of a known one', () => {
    const impostor = new SigningKey(witness.name, Buffer.alloc(32, 9));
    expect(cosignedBy(withLines(cosign(GOLDEN_TEXT, impostor, GOLDEN_TIME)), [witness])).toEqual([]);
    expect(cosignedBy(GOLDEN_NOTE, [])).toEqual([]);
  });
});

describe('parseWitnessVkey', () => {
  it('takes no key of a log, nor a log key of a witness', () => {
    expect(() => parseWitnessVkey(GOLDEN_LOG_VKEY)).toThrow(expect.objectContaining({ code: 'CONFIG_KEY' }));
    expect(() => parseVkey(GOLDEN_WITNESS_VKEY)).toThrow(expect.objectContaining({ code: 'CONFIG_KEY' }));
  });
});

/** The signature bytes in the last line of a note. */
function blobOf(note: string): Buffer {
  return Buffer.from(note.trimEnd().split(' ').at(-1) ?? '', 'base64').subarray(4);
}

function moved(blob: Buffer): Buffer {
  const changed = Buffer.from(blob);
  changed.writeBigUInt64BE(blob.readBigUInt64BE(0) + 1n);
  return changed;
}

/** A line whose signature is good for exactly the time that it has. */
function stamped(time: bigint): string {
  const stamp = Buffer.alloc(8);
  stamp.writeBigUInt64BE(time);
  const signature = goldenWitness.sign(Buffer.from(`cosignature/v1\ntime ${time}\n${GOLDEN_TEXT}`));
  return signatureLine(witness, Buffer.concat([stamp, signature]));
}
