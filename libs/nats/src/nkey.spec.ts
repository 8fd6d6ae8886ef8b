import { Fault } from '#writ/faults';
import { nkeys } from 'nats';
import { createUserNkey, nonceSigner, parseUserNkey } from './nkey.js';

const codeOf = (act: () => unknown): string => {
  try {
    act();
    return 'nothing';
  } catch (error) {
    return error instanceof Fault ? error.code : String(error);
  }
};

describe('the nkeys of bus users', () => {
  it('are those of the NATS library', () => {
    const { seed, publicKey } = createUserNkey();
    const theirs = nkeys.fromSeed(new TextEncoder().encode(seed));
    expect(theirs.getPublicKey()).toBe(publicKey);
    const signature = Buffer.from(nonceSigner(seed).sign('a nonce'), 'base64url');
    expect(theirs.verify(new TextEncoder().encode('a nonce'), signature)).toBe(true);
  });

  it('read what the NATS library made', () => {
    const theirs = nkeys.createUser();
    const seed = new TextDecoder().decode(theirs.getSeed());
    expect(parseUserNkey(`${seed}\n`)).toEqual({ seed, publicKey: theirs.getPublicKey() });
  });

  it.each([
    ['nothing', ''],
    ['a cut seed', createUserNkey().seed.slice(0, -1)],
    ['a changed seed', createUserNkey().seed.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'))],
    ['a public key', createUserNkey().publicKey],
    ['an account seed', new TextDecoder().decode(nkeys.createAccount().getSeed())],
    ['something else', 'not base32 at all!'],
  ])('refuse %s', (_, text) => {
    expect(codeOf(() => parseUserNkey(text))).toBe('CONFIG_KEY');
  });

  it('never repeat a damaged seed', () => {
    const seed = createUserNkey().seed.slice(0, -4);
    expect(() => parseUserNkey(seed)).not.toThrow(seed);
  });
});
