import { SigningKey } from '#writ/signing';
import { formatCheckpoint, openCheckpoint, parseCheckpoint, signCheckpoint } from './checkpoint.js';
import { EMPTY_ROOT } from './hash.js';

const ORIGIN = 'writ.example/acme/2026';
const logKey = new SigningKey(ORIGIN, Buffer.alloc(32, 1));
const logKeys = [{ name: ORIGIN, key: logKey.verifyKey }];
const checkpoint = { origin: ORIGIN, size: 70_000, root: EMPTY_ROOT.toString('base64url') };
const text = formatCheckpoint(checkpoint);

describe('a checkpoint', () => {
  it('is three lines: origin, size and root in base64', () => {
    expect(text).toBe(`${ORIGIN}\n70000\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n`);
  });

  it('opens with the log key that signed it', () => {
    expect(openCheckpoint(signCheckpoint(checkpoint, logKey), ORIGIN, logKeys)).toEqual(checkpoint);
  });

  it('is parsed with extension lines, which are ignored', () => {
    expect(parseCheckpoint(`${text}extension\n`)).toEqual(checkpoint);
  });

  it.each([
    ['nothing', ''],
    ['two lines', `${ORIGIN}\n7\n`],
    ['no origin', text.replace(ORIGIN, '')],
    ['a size with a leading zero', text.replace('70000', '070000')],
    ['a negative size', text.replace('70000', '-1')],
    ['a size that a double does not carry', text.replace('70000', '9007199254740993')],
    ['a short root', text.replace('47DE', '')],
    ['a root in base64url', text.replace('+', '-')],
    ['no line end', text.trimEnd()],
  ])('is not %s', (_case, wrong) => {
    expect(() => parseCheckpoint(wrong)).toThrow(expect.objectContaining({ code: 'LEDGER_CORRUPT' }));
  });

  it('of another log does not open', () => {
    const other = signCheckpoint({ ...checkpoint, origin: 'writ.example/other' }, logKey);
    expect(() => openCheckpoint(other, ORIGIN, logKeys)).toThrow('of another log');
  });

  it('without its signature does not open (IDENTITY-10)', () => {
    expect(() => openCheckpoint(`${text}\n`, ORIGIN, logKeys)).toThrow(
      expect.objectContaining({ code: 'LEDGER_CORRUPT' }),
    );
  });
});
