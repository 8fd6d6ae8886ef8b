import { canonicalJson, ENTRY_TYPES, type Json } from '#writ/contracts';
import { SigningKey } from './key.js';
import { cosign, witnessKeyOf } from './cosignature.js';
import { formatVkey } from './note-key.js';
import { signNote } from './note.js';
import { ROLE_TYPES } from './roles.js';
import {
  Authority,
  openTrustBundle,
  signTrustBundle,
  trustedKey,
  type TrustBundle,
  type TrustedKeyRecord,
} from './trust-bundle.js';
import { cosignedBy, witnessesOf } from './witnesses.js';

const key = (name: string, fill: number) => new SigningKey(name, Buffer.alloc(32, fill));
const root = key('writ.example/root', 1);
const rootVkey = formatVkey({ name: root.name, key: root.verifyKey });
const pdp = trustedKey(key('pdp-1', 2).verifyKey, 'pdp-1', 'pdp', ['pdp-0']);
const executor = trustedKey(key('exec-tool-1', 3).verifyKey, 'exec-tool-1', 'tool-executor', ['exec-tool-1']);
const log = trustedKey(key('writ.example/acme', 4).verifyKey, 'writ.example/acme', 'log', []);
const bundleOf = (...keys: TrustedKeyRecord[]): TrustBundle => ({ v: 1, ledger: 'writ.example/acme', keys });
const bundle = bundleOf(pdp, executor, log);

describe('openTrustBundle', () => {
  it('opens what the root key signed', () => {
    expect(openTrustBundle(signTrustBundle(root, bundle), rootVkey)).toEqual(bundle);
  });

  const note = (text: string) => signNote(text, [root]);
  it.each([
    ['another root', signTrustBundle(key('writ.example/root', 9), bundle)],
    ['no signature (IDENTITY-10)', `${canonicalJson(bundle)}\n\n`],
    ['text that is not JSON', note('{\n')],
    ['JSON that is not canonical (IDENTITY-11)', note(`${JSON.stringify(bundle)} \n`)],
    ['a member that nobody knows', note(`${canonicalJson({ ...bundle, extra: 1 })}\n`)],
    ['a role that nobody knows', note(`${canonicalJson(bundle).replace('tool-executor', 'superuser')}\n`)],
    ['an id that is not that of the key', note(`${canonicalJson(bundleOf({ ...pdp, id: executor.id }))}\n`)],
    [
      'a key twice, in two roles (IDENTITY-08)',
      note(`${canonicalJson(bundleOf(pdp, { ...executor, id: pdp.id, key: pdp.key }))}\n`),
    ],
    [
      'an executor that may decide (IDENTITY-08)',
      note(`${canonicalJson(bundleOf({ ...executor, types: ['tool.call.decided'] }))}\n`),
    ],
    [
      'an executor on the subject of a shard (IDENTITY-08)',
      note(`${canonicalJson(bundleOf({ ...executor, producers: ['pdp-0'] }))}\n`),
    ],
    ['a log key that may write blocks', note(`${canonicalJson(bundleOf({ ...log, producers: ['operator'] }))}\n`)],
  ])('refuses %s', (_case, text) => {
    expect(() => openTrustBundle(text, rootVkey)).toThrow(expect.objectContaining({ code: 'CONFIG_KEY' }));
  });
});

describe('a bundle of a ledger that goes on from others', () => {
  const head = { size: 9, root: 'r'.repeat(43) };
  const closed = [
    { ledger: 'writ.example/2024', seq: 40, ...head },
    { ledger: 'writ.example/2025', seq: 90, ...head, checkpoint: 'the last checkpoint' },
  ];
  const continued: TrustBundle = { ...bundle, closed };

  it('says to which ledger a message of the stream belongs, and which names are taken for ever', () => {
    const authority = new Authority(openTrustBundle(signTrustBundle(root, continued), rootVkey));
    const ledgers = [1, 40, 41, 90, 91].map((seq) => authority.at(seq).ledger);
    expect(ledgers).toEqual([
      ...['writ.example/2024', 'writ.example/2024', 'writ.example/2025', 'writ.example/2025', bundle.ledger],
    ]);
    expect([authority.begins, authority.at(90).begins, authority.at(7).begins]).toEqual([91, 41, 1]);
    expect([authority.isClosed('writ.example/2024'), authority.isClosed(bundle.ledger)]).toEqual([true, false]);
    expect([authority.at(41).isClosed('writ.example/2025'), authority.at(41).next]).toEqual([false, undefined]);
    expect(authority.previous).toMatchObject({ ledger: 'writ.example/2025', checkpoint: 'the last checkpoint' });
    expect([new Authority(bundle).begins, new Authority(bundle).previous]).toEqual([1, undefined]);
  });

  it.each([
    ['with a name that stands twice', { closed: [{ ...closed[0], ledger: bundle.ledger }, closed[1]] }],
    ['whose ends do not follow each other', { closed: [closed[1], closed[0]] }],
    ['without the last checkpoint of the one before', { closed: [closed[0]] }],
    ['that is to go on as itself', { closed, next: { ledger: bundle.ledger, key: 'k'.repeat(22) } }],
    ['that is to go on as one that has ended', { closed, next: { ledger: 'writ.example/2024', key: 'k'.repeat(22) } }],
  ])('is refused %s', (_case, change) => {
    const note = signNote(`${canonicalJson({ ...bundle, ...change } as unknown as Json)}\n`, [root]);
    expect(() => openTrustBundle(note, rootVkey)).toThrow(expect.objectContaining({ code: 'CONFIG_KEY' }));
  });
});

describe('a key that was replaced', () => {
  const next = trustedKey(key('pdp-1', 7).verifyKey, 'pdp-1', 'pdp', ['pdp-0']);
  const until = { seq: 9, size: 40 };
  it('stands in the bundle with the key that follows it, and how far it counts', () => {
    const rotated = { ...bundleOf({ ...pdp, next: next.id, until }, next, log), version: 3 };
    const opened = openTrustBundle(signTrustBundle(root, rotated), rootVkey);
    expect(opened).toEqual(rotated);
    expect(new Authority(opened)).toMatchObject({ version: 3 });
    expect(new Authority(opened).keyOf(pdp.id)).toMatchObject({ next: next.id, until });
    expect(new Authority(bundle).version).toBe(0);
  });

  const logNext = trustedKey(key('writ.example/acme', 8).verifyKey, 'writ.example/acme', 'log', []);
  it.each([
    ['a key that follows it and is not there', bundleOf({ ...pdp, next: next.id })],
    ['a key of somebody else that follows it', bundleOf({ ...pdp, next: executor.id }, executor)],
    ['an end, and nobody who follows', bundleOf({ ...pdp, until })],
    ['an end without its message', bundleOf({ ...pdp, next: next.id, until: { size: 40 } }, next)],
    ['a beginning, where blocks have none', bundleOf({ ...pdp, from: 1 })],
    ['a message, for a key that signs none', bundleOf({ ...log, next: logNext.id, until }, logNext)],
    ['an end before the beginning', bundleOf({ ...log, from: 9, next: logNext.id, until: { size: 8 } }, logNext)],
  ])('is not signed with %s', (_case, wrong) => {
    expect(() => signTrustBundle(root, wrong)).toThrow(expect.objectContaining({ code: 'CONFIG_KEY' }));
  });
});

describe('signTrustBundle', () => {
  it('does not sign a bundle that gives a role more than it may have', () => {
    expect(() => signTrustBundle(root, bundleOf({ ...executor, types: ['shard.claimed'] }))).toThrow(
      'may not write `shard.claimed`',
    );
  });
});

describe('Authority', () => {
  const authority = new Authority(bundle);

  it('says who may write what', () => {
    expect(authority.mayWrite(pdp.id, 'pdp-0', 'tool.call.decided')).toBe(true);
    expect(authority.mayWrite(pdp.id, 'pdp-1', 'tool.call.decided')).toBe(false);
    expect(authority.mayWrite(pdp.id, 'pdp-0', 'tool.call.completed')).toBe(false);
    expect(authority.mayWrite(executor.id, 'exec-tool-1', 'tool.call.completed')).toBe(true);
    expect(authority.mayWrite(executor.id, 'exec-tool-1', 'memory.query.completed')).toBe(false);
    expect(authority.mayWrite(log.id, 'pdp-0', 'tool.call.decided')).toBe(false);
    expect(authority.mayWrite('nobody', 'pdp-0', 'tool.call.decided')).toBe(false);
  });

  it('gives the log keys of its own ledger alone', () => {
    const other = trustedKey(key('writ.example/other', 5).verifyKey, 'writ.example/other', 'log', []);
    expect(new Authority(bundleOf(log, other)).logKeys().map(({ name }) => name)).toEqual(['writ.example/acme']);
  });
});

describe('the table of roles', () => {
  it('lets some role write every entry type', () => {
    const written = new Set(Object.values(ROLE_TYPES).flat());
    expect(ENTRY_TYPES.filter((type) => !written.has(type))).toEqual([]);
  });

  it('lets no role write both a decision and an outcome', () => {
    for (const types of Object.values(ROLE_TYPES)) {
      const decides = types.some((type) => type.endsWith('.decided'));
      const executes = types.some((type) => type.endsWith('.completed'));
      expect(decides && executes).toBe(false);
    }
  });
});

describe('the witnesses of a trust bundle', () => {
  const w1 = key('witness.example/w1', 11);
  const w2 = key('witness.example/w2', 12);
  const vkeyOf = (witness: SigningKey) => ({ vkey: formatVkey(witnessKeyOf(witness)) });
  const reopened = (watched: TrustBundle) => openTrustBundle(signTrustBundle(root, watched), rootVkey);
  const witnessed = { ...bundle, witnesses: [vkeyOf(w1), vkeyOf(w2)], quorum: 1 };

  it('are those that the root key signed, with the quorum that it asks for', () => {
    const { witnesses, quorum } = witnessesOf(reopened(witnessed));
    expect(witnesses.map(({ name }) => name)).toEqual([w1.name, w2.name]);
    expect(quorum).toBe(1);
  });

  it('are all needed when no quorum is named', () => {
    const { quorum: _quorum, ...unsaid } = witnessed;
    expect(witnessesOf(reopened(unsaid)).quorum).toBe(2);
  });

  it('are none in a bundle of an earlier release', () => {
    expect(witnessesOf(reopened(bundle))).toEqual({ witnesses: [], quorum: 0 });
  });

  it('count no longer when they were taken out of the bundle: a revoked witness', () => {
    const text = 'writ.example/acme\n7\nroot\n';
    const note = `${signNote(text, [])}${cosign(text, w1, 1_800_000_000)}\n`;
    const now = witnessesOf(reopened({ ...bundle, witnesses: [vkeyOf(w2)] }));
    expect(cosignedBy(note, witnessesOf(reopened(witnessed)).witnesses)).toHaveLength(1);
    expect(cosignedBy(note, now.witnesses)).toEqual([]);
  });

  it.each([
    ['a witness that stands twice', { witnesses: [vkeyOf(w1), vkeyOf(w1)] }],
    ['one key under two names', { witnesses: [vkeyOf(w1), vkeyOf(key('witness.example/w3', 11))] }],
    ['two keys under one name', { witnesses: [vkeyOf(w1), vkeyOf(key(w1.name, 13))] }],
    ['the key of the log as a witness', { witnesses: [vkeyOf(key('witness.example/w1', 4))] }],
    ['the name of the log as a witness', { witnesses: [vkeyOf(key('writ.example/acme', 11))] }],
    ['a log key in place of that of a witness', { witnesses: [{ vkey: rootVkey }] }],
    ['a quorum that nobody can reach', { witnesses: [vkeyOf(w1)], quorum: 2 }],
    ['a quorum of none', { witnesses: [vkeyOf(w1)], quorum: 0 }],
    ['a quorum without witnesses', { quorum: 1 }],
    ['an empty list of witnesses', { witnesses: [] }],
  ])('are refused with %s', (_case, members) => {
    const note = signNote(`${canonicalJson({ ...bundle, ...members })}\n`, [root]);
    expect(() => openTrustBundle(note, rootVkey)).toThrow(expect.objectContaining({ code: 'CONFIG_KEY' }));
  });
});
