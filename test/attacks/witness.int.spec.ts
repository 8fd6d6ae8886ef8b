import { canonicalJson } from '#writ/contracts';
import {
  Authority,
  cosignedBy,
  formatVkey,
  openTrustBundle,
  SigningKey,
  signTrustBundle,
  trustedKey,
  witnessesOf,
  type TrustBundle,
} from '#writ/signing';
import { openCheckpoint } from '#writ/tlog';
import { collectCosignatures, lastCosigned } from '#writ/witness-client';
import { TestWitness } from '../harness/test-witness.js';
import { TinyLog } from '../harness/tiny-log.js';

const log = TinyLog.of();
const fork = log.forkedAt(5);
const root = new SigningKey('writ.example/root', Buffer.alloc(32, 21));
const rootVkey = formatVkey({ name: root.name, key: root.verifyKey });

/** What an auditor says of a checkpoint with nothing but the trust bundle in hand. */
function audit(note: string, bundle: string): { readonly size: number; readonly isWitnessed: boolean } {
  const opened = openTrustBundle(bundle, rootVkey);
  const authority = new Authority(opened);
  const { size } = openCheckpoint(note, authority.ledger, authority.logKeys());
  const { witnesses, quorum } = witnessesOf(opened);
  return { size, isWitnessed: quorum > 0 && cosignedBy(note, witnesses).length >= quorum };
}

describe('an operator who holds the log key and every disk of the deployment', () => {
  let w1: TestWitness;
  let w2: TestWitness;
  beforeEach(async () => {
    w1 = await (await TestWitness.make('soc.example/w1')).start([log.vkey]);
    w2 = await (await TestWitness.make('auditor.example/w2')).start([log.vkey]);
  });
  afterEach(async () => {
    await w1[Symbol.asyncDispose]();
    await w2[Symbol.asyncDispose]();
  });

  const bundleOf = (quorum: number, ...witnesses: readonly TestWitness[]) => {
    const key = trustedKey(log.key.verifyKey, log.origin, 'log', []);
    const bundle: TrustBundle = { v: 1, ledger: log.origin, keys: [key] };
    if (witnesses.length === 0) return signTrustBundle(root, bundle);
    return signTrustBundle(root, { ...bundle, witnesses: witnesses.map(({ vkey }) => ({ vkey })), quorum });
  };
  const seal = (size: number, from = log, witnesses = [w1, w2]) =>
    collectCosignatures({
      note: from.note(size),
      logKeys: from.keys,
      witnesses,
      knownSizes: new Map(),
      proof: async (oldSize) => from.proof(oldSize, size),
    });

  it('cannot show a fork to one auditor: no witness cosigns a second history', async () => {
    const bundle = bundleOf(2, w1, w2);
    const honest = await seal(9);
    expect(audit(honest.note, bundle)).toEqual({ size: 9, isWitnessed: true });
    for (const size of [9, 12, 20]) {
      const shown = await seal(size, fork);
      expect(shown.answers.map(({ status }) => status)).toEqual(['conflict', 'conflict']);
      expect(audit(shown.note, bundle)).toEqual({ size, isWitnessed: false });
    }
    expect(audit((await seal(20)).note, bundle)).toEqual({ size: 20, isWitnessed: true });
  });

  it('cannot have one history cosigned by one witness and another one by the other: a quorum sees both', async () => {
    const bundle = bundleOf(2, w1, w2);
    await seal(9, log, [w1]);
    const shown = await seal(9, fork);
    expect(shown.cosigners).toEqual(['auditor.example/w2']);
    expect(audit(shown.note, bundle).isWitnessed).toBe(false);
  });

  it('cannot roll back the state of the sealer too: the witnesses remember, also over a restart', async () => {
    const bundle = bundleOf(2, w1, w2);
    await seal(20);
    for (const witness of [w1, w2]) {
      await witness.stop();
      await witness.start([log.vkey]);
    }
    const { note, answers } = await seal(12);
    expect(answers).toMatchObject([
      { status: 'conflict', why: 'ahead', size: 20 },
      { status: 'conflict', why: 'ahead', size: 20 },
    ]);
    expect(audit(note, bundle).isWitnessed).toBe(false);
    // A sealer that starts asks before it signs, and has the proof in its own hand.
    const seen = await lastCosigned(w1, { origin: log.origin, logKeys: log.keys });
    expect(seen).toEqual({ status: 'head', head: log.head(20) });
  });

  it('cannot hide that there are no cosignatures: stripped, the checkpoint is unwitnessed', async () => {
    const { note } = await seal(9);
    for (const bundle of [bundleOf(1, w1, w2), bundleOf(2, w1, w2)]) {
      expect(audit(note, bundle).isWitnessed).toBe(true);
      expect(audit(log.note(9), bundle)).toEqual({ size: 9, isWitnessed: false });
    }
    const one = note.split('\n').slice(0, -2).join('\n');
    expect(audit(`${one}\n`, bundleOf(1, w1, w2)).isWitnessed).toBe(true);
    expect(audit(`${one}\n`, bundleOf(2, w1, w2)).isWitnessed).toBe(false);
  });

  it('cannot count one witness twice', async () => {
    const { note } = await seal(9, log, [w1]);
    w1.nowMs += 5_000;
    const again = await seal(9, log, [w1]);
    const twice = note + (again.note.split('\n').at(-2) ?? '') + '\n';
    expect(twice.match(/soc\.example/g)).toHaveLength(2);
    expect(audit(twice, bundleOf(2, w1, w2)).isWitnessed).toBe(false);
    expect(audit(twice, bundleOf(1, w1, w2)).isWitnessed).toBe(true);
  });

  it('cannot use a witness that was revoked', async () => {
    const { note } = await seal(9);
    expect(audit(note, bundleOf(2, w1, w2)).isWitnessed).toBe(true);
    // The root has signed a bundle without the first one.
    expect(audit((await seal(12, log, [w1])).note, bundleOf(1, w2)).isWitnessed).toBe(false);
    expect(audit((await seal(14)).note, bundleOf(1, w2)).isWitnessed).toBe(true);
  });

  it('cannot make itself a witness: the bundle is signed by the root, and the log is no witness', async () => {
    const own = await (await TestWitness.make('own.example/w')).start([log.vkey]);
    try {
      const { note } = await seal(9, fork, [own]);
      expect(audit(note, bundleOf(1, w1, w2)).isWitnessed).toBe(false);
      const forged = bundleOf(1, w1, w2).replace(canonicalJson(w1.vkey), canonicalJson(own.vkey));
      expect(() => audit(note, forged)).toThrow('not signed by the root key');
    } finally {
      await own[Symbol.asyncDispose]();
    }
  });

  it('LEDGER-06: who rewrites everything with the log key is seen by a witness, and without one by nobody here', async () => {
    await seal(20);
    const rewritten = log.forkedAt(0);
    const { note, answers } = await seal(20, rewritten);
    expect(answers).toMatchObject([{ why: 'other_root' }, { why: 'other_root' }]);
    expect(audit(note, bundleOf(1, w1, w2)).isWitnessed).toBe(false);
    expect(audit(note, bundleOf(0))).toEqual({ size: 20, isWitnessed: false });
  });
});
