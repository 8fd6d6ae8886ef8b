import { SigningKey } from './key.js';
import { formatVkey, parseVkey, type NoteKey } from './note-key.js';
import { openNote, signNote } from './note.js';

const key = (name: string, fill: number) => new SigningKey(name, Buffer.alloc(32, fill));
const noteKey = (signer: SigningKey): NoteKey => ({ name: signer.name, key: signer.verifyKey });

const log = key('writ.example/acme/2026', 1);
const witness = key('witness.example/w1', 2);
const TEXT = 'writ.example/acme/2026\n7\nroot\n';

describe('parseVkey', () => {
  // The verifier key and note of the C2SP signed-note specification and of golang.org/x/mod/sumdb/note.
  const vkey = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
  const note =
    'If you think cryptography is the answer to your problem,\n' +
    "then you don't know what your problem is.\n" +
    '\n' +
    '\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n';

  it('reads a published key and opens the note published with it', () => {
    const parsed = parseVkey(vkey);
    expect(openNote(note, [parsed]).signers).toEqual([parsed]);
    expect(formatVkey(parsed)).toBe(vkey);
  });

  it.each([
    ['nothing', ''],
    ['no separators', 'name'],
    ['an id that is not that of the key', vkey.replace('c74f20a3', 'c74f20a4')],
    ['another name, for which the id is wrong', vkey.replace('Peter', 'Petra')],
    ['another algorithm', vkey.replace('+ARpc', '+BBpc')],
    ['a cut key', vkey.slice(0, -4)],
    ['a name with a blank', vkey.replace('PeterNeumann', 'Peter Neumann')],
  ])('refuses %s', (_case, text) => {
    expect(() => parseVkey(text)).toThrow(expect.objectContaining({ code: 'CONFIG_KEY' }));
  });
});

describe('openNote', () => {
  const known = [noteKey(log)];

  it('gives back the text and the known keys that signed it', () => {
    const note = signNote(TEXT, [log, witness]);
    expect(openNote(note, [noteKey(log), noteKey(witness)])).toMatchObject({
      text: TEXT,
      signers: [{ name: log.name }, { name: witness.name }],
    });
  });

  it('ignores signatures of keys that it does not know', () => {
    expect(openNote(signNote(TEXT, [witness, log]), known).signers.map(({ name }) => name)).toEqual([log.name]);
  });

  it('keeps blank lines of the text', () => {
    expect(openNote(signNote('a\n\nb\n', [log]), known).text).toBe('a\n\nb\n');
  });

  it('rejects a note that only unknown keys signed', () => {
    expect(() => openNote(signNote(TEXT, [witness]), known)).toThrow('no known key signed it');
  });

  it('rejects the whole note when a known key beside a good one does not verify', () => {
    const forged = signNote('other\n', [witness]).split('\n\n')[1];
    expect(() => openNote(signNote(TEXT, [log]) + forged, [noteKey(log), noteKey(witness)])).toThrow('does not verify');
  });

  it('does not take the key of one name for another name', () => {
    const impostor = new SigningKey(log.name, Buffer.alloc(32, 9));
    expect(() => openNote(signNote(TEXT, [impostor]), known)).toThrow('no known key signed it');
  });

  it('refuses each note with one bit changed', () => {
    const note = Buffer.from(signNote(TEXT, [log]));
    for (let bit = 0; bit < note.length * 8; bit += 3) {
      const changed = Buffer.from(note);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => openNote(changed.toString('utf8'), known)).toThrow(
        expect.objectContaining({ code: 'LEDGER_CORRUPT' }),
      );
    }
  });

  it.each([
    ['nothing', ''],
    ['a text alone', TEXT],
    ['no line end', signNote(TEXT, [log]).trimEnd()],
    ['a control character', signNote(TEXT, [log]).replace('root', 'ro\tot')],
    ['a stripped signature (IDENTITY-10)', signNote(TEXT, [log]).replace(/ \S+\n$/, ' \n')],
    ['no signature lines (IDENTITY-10)', `${TEXT}\n`],
    ['a hyphen for the dash', signNote(TEXT, [log]).replace('\u2014', '-')],
    [
      'padding left out',
      signNote(TEXT, [log])
        .replace(/=+\n$/, '\n')
        .replace(/([^=])\n$/, '$1 \n'),
    ],
    ['a hundred and one signatures', `${TEXT}\n${'\u2014 x AAAAAAA=\n'.repeat(101)}`],
    ['four megabytes', `${'a'.repeat(5_000_000)}\n\n`],
  ])('rejects %s', (_case, note) => {
    expect(() => openNote(note, known)).toThrow(expect.objectContaining({ code: 'LEDGER_CORRUPT' }));
  });
});

describe('signNote', () => {
  it.each(['', 'no line end', 'a\u0007\n', 'a\r\n', '\ud800\n'])('does not sign %j', (text) => {
    expect(() => signNote(text, [log])).toThrow(TypeError);
  });
});
