import { inspect } from 'node:util';
import { messageOf } from '#writ/faults';
import { generateSigningKey, parseSigningKey, parseVerifyKey, SigningKey, VerifyKey } from './key.js';

// RFC 8032 §7.1, test 2.
const SEED = Buffer.from('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb', 'hex');
const PUBLIC = Buffer.from('3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c', 'hex');
const SIGNATURE = Buffer.from(
  '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  'hex',
);
const MESSAGE = Buffer.from([0x72]);

describe('SigningKey', () => {
  it('signs as RFC 8032 does', () => {
    const key = new SigningKey('pdp-1', SEED);
    expect(key.publicKey).toBe(PUBLIC.toString('base64url'));
    expect(key.sign(MESSAGE)).toEqual(SIGNATURE);
  });

  it('survives its key file', () => {
    const key = generateSigningKey('exec-tool-1');
    const again = parseSigningKey(key.toFileText());
    expect(again).toMatchObject({ id: key.id, name: 'exec-tool-1', publicKey: key.publicKey });
    expect(key.verifyKey.verify(MESSAGE, again.sign(MESSAGE))).toBe(true);
  });

  it('is another one each time it is generated', () => {
    expect(generateSigningKey('a').id).not.toBe(generateSigningKey('a').id);
  });

  it('does not show its secret when it is printed or serialised', () => {
    const key = new SigningKey('pdp-1', SEED);
    const shown = inspect(key, { depth: 9, showHidden: true }) + JSON.stringify(key);
    expect(shown).not.toContain(SEED.toString('base64url'));
    expect(shown).not.toContain(SEED.toString('hex'));
    expect(shown).not.toMatch(/4c,? ?cd/i);
  });

  it.each(['', 'two words', 'a+b', 'a\nb', 'a\u0000', 'a\u00a0b', 'a'.repeat(257)])('refuses the name %j', (name) => {
    expect(() => new SigningKey(name, SEED)).toThrow(expect.objectContaining({ code: 'CONFIG_KEY' }));
  });
});

describe('parseSigningKey', () => {
  const good = new SigningKey('pdp-1', SEED).toFileText();

  it.each([
    ['nothing', ''],
    ['another version', good.replace('/v1', '/v2')],
    ['no name', good.replace(' pdp-1', '')],
    ['no seed', 'writ-signing-key/v1 pdp-1'],
    ['a short seed', `${good.trim().slice(0, -1)}\n`],
    ['a long seed', `${good.trim()}A\n`],
    ['another spelling of the seed', good.replace(/.\n$/, (end) => `${String.fromCharCode(end.charCodeAt(0) + 1)}\n`)],
    ['a word too many', `${good.trim()} x\n`],
    ['two lines', `${good}${good}`],
    ['a seed in hexadecimal', `writ-signing-key/v1 pdp-1 ${SEED.toString('hex')}\n`],
  ])('refuses %s without repeating it', (_case, text) => {
    let thrown: unknown;
    try {
      parseSigningKey(text);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: 'CONFIG_KEY' });
    expect(messageOf(thrown)).not.toContain(SEED.toString('base64url').slice(0, 8));
  });
});

describe('VerifyKey', () => {
  const key = new VerifyKey(PUBLIC);

  it('takes the signature of its key over exactly these bytes, and no other', () => {
    expect(key.verify(MESSAGE, SIGNATURE)).toBe(true);
    expect(key.verify(Buffer.from([0x73]), SIGNATURE)).toBe(false);
    expect(key.verify(Buffer.alloc(0), SIGNATURE)).toBe(false);
  });

  it.each([0, 1, 32, 63, 65, 128])('refuses a signature of %d bytes (IDENTITY-10)', (length) => {
    expect(key.verify(MESSAGE, Buffer.concat([SIGNATURE, SIGNATURE]).subarray(0, length))).toBe(false);
  });

  it('refuses each signature with one bit changed', () => {
    for (let bit = 0; bit < 512; bit++) {
      const signature = Buffer.from(SIGNATURE);
      signature[bit >> 3] = (signature[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(key.verify(MESSAGE, signature)).toBe(false);
    }
  });

  it('has an id of 22 characters that depends on the key alone', () => {
    expect(key.id).toMatch(/^[A-Za-z0-9_-]{22}$/);
    expect(parseVerifyKey(key.publicKey).id).toBe(key.id);
  });

  it.each(['', 'AAAA', `${PUBLIC.toString('base64url')}A`, PUBLIC.toString('base64'), 'é'.repeat(43)])(
    'refuses %j for a public key',
    (text) => {
      expect(() => parseVerifyKey(text)).toThrow(expect.objectContaining({ code: 'CONFIG_KEY' }));
    },
  );
});
