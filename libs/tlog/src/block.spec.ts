import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { SigningKey } from '#writ/signing';
import { BLOCK_BYTES_MAX, ENTRY_BYTES_MAX, FIRST_PREV, openBlock, sealBlock, signedBytes } from './block.js';
import { refusalOf, type Refusal } from './refusal.js';

const key = new SigningKey('pdp-1', Buffer.alloc(32, 1));
const BOOT = Buffer.alloc(16, 7).toString('base64url');
const draft = {
  ledger: 'writ.example/acme',
  producer: 'pdp-0',
  boot: BOOT,
  n: 1,
  prev: FIRST_PREV,
  entries: ['{"a":1}', '{"b":"é😀\\""}'],
};
const sealed = sealBlock(draft, key);
const text = sealed.bytes.toString('utf8');
const object = JSON.parse(text) as Record<string, unknown>;

function refusalOn(bytes: Uint8Array | string): Refusal | undefined {
  try {
    openBlock(Buffer.from(bytes));
    return undefined;
  } catch (thrown) {
    return refusalOf(thrown);
  }
}

describe('sealBlock', () => {
  it('makes a block that opens as what it was made of', () => {
    expect(openBlock(sealed.bytes)).toMatchObject({ ...draft, key: key.id, root: sealed.root, hash: sealed.hash });
  });

  it('signs the domain line and the canonical header, whose SHA-256 is the block hash', () => {
    const header = `{"boot":"${BOOT}","key":"${key.id}","ledger":"writ.example/acme","n":1,"prev":"${FIRST_PREV}","producer":"pdp-0","root":"${sealed.root}","v":1}`;
    const signed = Buffer.from(`writ-block/v1\n${header}`);
    expect(signedBytes({ ...draft, key: key.id, root: sealed.root })).toEqual(signed);
    expect(key.verifyKey.verify(signed, Buffer.from(String(object['sig']), 'base64url'))).toBe(true);
    expect(sealed.hash).toBe(createHash('sha256').update(signed).digest('base64url'));
  });

  it('keeps one golden block for ever', () => {
    expect(createHash('sha256').update(sealed.bytes).digest('hex')).toMatchInlineSnapshot(
      `"f219c4fbf5ba7ee0dfdf83e5b1a8b73a4b74b69f257de5a1125344e0a48a2509"`,
    );
  });

  it.each([
    ['no entry', []],
    ['257 entries', Array.from({ length: 257 }, () => '{}')],
    ['an entry of one byte', ['1']],
    ['an entry over the limit', [`"${'a'.repeat(ENTRY_BYTES_MAX)}"`]],
    ['an entry with a lone surrogate', ['"\ud800"']],
    ['more bytes than a block may have', Array.from({ length: 5 }, () => `"${'a'.repeat(60_000)}"`)],
  ])('does not seal %s', (_case, entries) => {
    expect(() => sealBlock({ ...draft, entries }, key)).toThrow(RangeError);
  });

  it('always fits an entry at the limit, however much escaping it needs', () => {
    const entry = `"${'\\\\'.repeat((ENTRY_BYTES_MAX - 3) / 2)}"`;
    const { bytes } = sealBlock({ ...draft, entries: [entry] }, key);
    expect(openBlock(bytes).entries).toEqual([entry]);
  });
});

describe('openBlock', () => {
  const changed = (change: Record<string, unknown>) => JSON.stringify({ ...object, ...change });
  it.each<[string, Uint8Array | string, Refusal]>([
    ['nothing', '', 'malformed'],
    ['no JSON', '{', 'malformed'],
    ['null', 'null', 'malformed'],
    ['an array', '[]', 'malformed'],
    ['a byte order mark', `\ufeff${text}`, 'malformed'],
    ['bytes that are not UTF-8', Buffer.concat([sealed.bytes, Buffer.from([0xff])]), 'malformed'],
    [
      'a byte of UTF-8 cut to three',
      Buffer.from(text.replace('😀', '\ufffd')).fill(0xf0, text.indexOf('😀'), text.indexOf('😀') + 1),
      'malformed',
    ],
    ['white space', ` ${text}`, 'malformed'],
    ['white space inside (IDENTITY-11)', text.replace(',', ', '), 'malformed'],
    [
      'keys in another order (IDENTITY-11)',
      JSON.stringify(Object.fromEntries(Object.entries(object).reverse())),
      'malformed',
    ],
    ['another number spelling (IDENTITY-11)', text.replace('"n":1', '"n":1.0'), 'malformed'],
    ['another escape (IDENTITY-11)', text.replace('pdp-0', 'pdp\\u002d0'), 'malformed'],
    ['a key twice', text.replace('"n":1', '"n":1,"n":1'), 'malformed'],
    ['a member that nobody knows', changed({ z: 1 }), 'malformed'],
    ['another version', changed({ v: 2 }), 'malformed'],
    ['no signature (IDENTITY-10)', changed({ sig: undefined }), 'malformed'],
    ['an empty signature (IDENTITY-10)', changed({ sig: '' }), 'malformed'],
    ['a null signature (IDENTITY-10)', changed({ sig: null }), 'malformed'],
    ['a short signature (IDENTITY-10)', changed({ sig: String(object['sig']).slice(1) }), 'malformed'],
    ['another spelling of the signature', changed({ sig: `${String(object['sig']).slice(0, -1)}B` }), 'malformed'],
    ['no key', changed({ key: undefined }), 'malformed'],
    ['a boot that is too short', changed({ boot: 'AA' }), 'malformed'],
    ['a number of zero', changed({ n: 0 }), 'malformed'],
    ['a number as text', changed({ n: '1' }), 'malformed'],
    ['a producer with a wildcard', changed({ producer: '*' }), 'malformed'],
    ['a ledger that is no text', changed({ ledger: 7 }), 'malformed'],
    ['a previous hash that is too long', changed({ prev: `${FIRST_PREV}A` }), 'malformed'],
    ['no entries', changed({ entries: [] }), 'malformed'],
    ['entries that are an object', changed({ entries: {} }), 'malformed'],
    ['257 entries', changed({ entries: Array.from({ length: 257 }, () => '{}') }), 'malformed'],
    ['an entry that is no text', changed({ entries: [{}] }), 'malformed'],
    ['an entry with a lone surrogate', changed({ entries: ['"\ud800"'] }), 'malformed'],
    ['an entry of one byte', changed({ entries: ['1'] }), 'entry_size'],
    ['an entry over the limit', changed({ entries: ['a'.repeat(ENTRY_BYTES_MAX + 1)] }), 'entry_size'],
    ['another entry', changed({ entries: ['{"a":2}', draft.entries[1]] }), 'bad_root'],
    ['an entry less', changed({ entries: draft.entries.slice(1) }), 'bad_root'],
    ['entries in another order', changed({ entries: [...draft.entries].reverse() }), 'bad_root'],
    ['entries joined into one', changed({ entries: [draft.entries.join('')] }), 'bad_root'],
    ['another root', changed({ root: FIRST_PREV }), 'bad_root'],
    ['too many bytes', Buffer.alloc(BLOCK_BYTES_MAX + 1, 0x20), 'malformed'],
  ])('refuses %s', (_case, bytes, refusal) => {
    expect(refusalOn(bytes)).toBe(refusal);
  });

  it('refuses whatever is not a block, and throws nothing else', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), fc.json().map(Buffer.from)), (bytes) => {
        expect(refusalOn(bytes)).toBe('malformed');
      }),
    );
  });

  it('reads a view into a larger buffer', () => {
    const larger = Buffer.concat([Buffer.from('xx'), sealed.bytes, Buffer.from('yy')]);
    expect(openBlock(larger.subarray(2, -2)).hash).toBe(sealed.hash);
  });
});
