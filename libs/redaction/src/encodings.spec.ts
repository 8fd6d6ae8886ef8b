import * as fc from 'fast-check';
import { gzipSync } from 'node:zlib';
import { maySayInHex, readingsIn } from './encodings.js';

const bytesOf = (text: string): Buffer => Buffer.from(text, 'latin1');
const readings = (characters: string): number => readingsIn(bytesOf(characters), 0, characters.length);
const words = fc.stringMatching(/^[\t\n\r\x20-\x7e]{10,40}$/);
const noise = fc.uint8Array({ max: 255, min: 128, maxLength: 9 });

describe('the readings of characters in base64', () => {
  it('are said wherever text stands, whatever stands around it, in both alphabets', () => {
    fc.assert(
      fc.property(
        words,
        fc.tuple(noise, noise),
        fc.stringMatching(/^[\w+/=-]{0,9}$/),
        fc.constantFrom('base64', 'base64url'),
        (text, [before, after], other, encoding) => {
          const bytes = Buffer.concat([before, bytesOf(text), after]);
          const characters = other + bytes.toString(encoding);
          expect(readings(characters) & (1 << (other.length & 3))).not.toBe(0);
        },
      ),
    );
  });

  it('are said of the beginning of what gzip compressed, behind each number of characters of something else', () => {
    for (const before of ['', 'A', 'AA', 'AAA'])
      expect(readings(before + gzipSync('nothing').toString('base64')) & (1 << before.length)).not.toBe(0);
  });

  it.each(['4bf92f3577b34da6a3ce929d0e0e4736', 'ThisIsTheNameOfAClassOfSomebody', 'AKIAQ3EGRZJN5XPLW7TD'])(
    'are none of %s, for it says nothing',
    (characters) => {
      expect(readings(characters)).toBe(0);
    },
  );
});

describe('text in hexadecimal', () => {
  it('is seen wherever twelve printable characters stand', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[\t\n\r\x20-\x7e]{12,40}$/),
        noise,
        fc.stringMatching(/^[\w+/=-]{0,3}$/),
        (text, before, other) => {
          const characters = other + Buffer.concat([before, bytesOf(text)]).toString('hex');
          expect(maySayInHex(bytesOf(characters), 0, characters.length)).toBe(true);
        },
      ),
    );
  });

  it.each(['4bf92f3577b34da6a3ce929d0e0e4736', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'])(
    'is not seen in the sum %s',
    (sum) => {
      expect(maySayInHex(bytesOf(sum), 0, sum.length)).toBe(false);
    },
  );
});
