import type { EntryBody } from '#writ/contracts';
import { Authority, signTrustBundle, SigningKey, type TrustBundle, trustedKey } from '#writ/signing';
import { Integrator, openCheckpoint, proveCall, signCheckpoint, verifyProof, openTrust } from '#writ/tlog';
import { decidedBody, LedgerBuilder } from '../harness/ledger-builder.js';
import { buildLog, directoryOf, verifyFiles, type LogFiles } from '../harness/log-builder.js';

const { bundle, key, root, rootVkey, ledger, logKey } = new LedgerBuilder().deployment;
const [stolen, successor] = [key('pdp-1'), new SigningKey('pdp-1', Buffer.alloc(32, 77))];
const laterLogKey = new SigningKey(ledger, Buffer.alloc(32, 78));

/** The bundles of a rotation of the key of pdp-1: when the new key is announced, and when the old one has its end. */
function bundlesOf(until: { readonly seq: number; readonly size: number }) {
  const next = trustedKey(successor.verifyKey, 'pdp-1', 'pdp', ['pdp-0', 'pdp-1']);
  const withOld = (change: object): TrustBundle => ({
    ...bundle,
    keys: [...bundle.keys.map((record) => (record.id === stolen.id ? { ...record, ...change } : record)), next],
  });
  return {
    announced: { ...withOld({ next: next.id }), version: 2 },
    ended: { ...withOld({ next: next.id, until }), version: 3 },
  };
}

/** Two decisions under the old key, the entry that ends it, what the thief writes then, and one decision under the new key. */
function rotatedLedger(forged: (builder: LedgerBuilder) => string[]) {
  const builder = new LedgerBuilder();
  const allow = (call: string) => builder.entry('pdp-0', decidedBody('tool.call', call, 'allow'));
  builder.block('pdp-0', [builder.activation('pdp-0')]);
  builder.block('pdp-0', [allow('c1'), allow('c2')]);
  const revoked: EntryBody = { type: 'producer.revoked', instance: 'pdp-1', key: stolen.id, next: successor.id };
  const seq = builder.block('operator', [builder.entry('operator', revoked)]);
  builder.block('pdp-1', forged(builder));
  return { messages: builder.messages, until: { seq, size: 4 } };
}

const anAllow = (builder: LedgerBuilder) => [builder.entry('pdp-1', decidedBody('tool.call', 'forged', 'allow'))];

describe('a producer key that was replaced', () => {
  it.each([
    ['a good block', anAllow],
    ['a block with an entry that is none', () => ['{}']],
  ])(
    'counts for nothing after the entry that ends it, and the tree is the same by the entry as by the bundle: %s',
    (_case, forged) => {
      const { messages, until } = rotatedLedger(forged);
      const { announced, ended } = bundlesOf(until);
      const roots = [announced, ended].map((each) => {
        const integrator = new Integrator(new Authority(each));
        const verdicts = messages.map((message) => integrator.integrate(message).verdict);
        expect(verdicts.map((verdict) => ('refusal' in verdict ? verdict.refusal : 'counts'))).toEqual([
          'counts',
          'counts',
          'counts',
          'expired_key',
        ]);
        expect(verdicts.at(-1)).toMatchObject({ isAuthentic: true });
        return integrator.root().toString('base64url');
      });
      expect(roots[0]).toBe(roots[1]);
    },
  );

  it('is remembered in the state: a sealer that starts again takes nothing of it either', () => {
    const { messages, until } = rotatedLedger(anAllow);
    const authority = new Authority(bundlesOf(until).announced);
    const first = new Integrator(authority);
    for (const message of messages.slice(0, 3)) first.integrate(message);
    const again = new Integrator(
      authority,
      JSON.parse(JSON.stringify(first.state())) as ReturnType<Integrator['state']>,
    );
    expect(messages.slice(3).map((message) => again.integrate(message).verdict)).toMatchObject([
      { refusal: 'expired_key' },
    ]);
  });

  it('is ended by nobody without the root key: the entry alone, which the operator can write, does nothing', () => {
    const { messages } = rotatedLedger(anAllow);
    const integrator = new Integrator(new Authority(bundle));
    const verdicts = messages.map((message) => integrator.integrate(message).verdict);
    expect(verdicts.at(-1)).toMatchObject({ step: 'next' });
  });

  it('makes a log invalid that counts a block of it after its end, and one before it stays valid', async () => {
    const { messages, until } = rotatedLedger(anAllow);
    const { ended } = bundlesOf(until);
    // A sealer that lies, or that never heard of it: its tree holds the forged block as one that counts.
    const lying = await buildLog(messages);
    const trusting = withBundle(lying, ended);
    const report = await verifyFiles(trusting);
    expect(report).toMatchObject({ exit: 40 });
    expect(report.problems).toContainEqual(
      expect.objectContaining({ code: 'expired_key', producer: 'pdp-1', exit: 40 }),
    );
    expect((await verifyFiles(trusting, { isStrict: false })).exit).toBe(40);
    const early = withBundle(await buildLog(messages.slice(0, 3)), ended);
    expect(await verifyFiles(early)).toMatchObject({ exit: 10, problems: [] });
  });

  it('is refused by the sealer as soon as it knows', () => {
    const { messages, until } = rotatedLedger(anAllow);
    const integrator = new Integrator(new Authority(bundlesOf(until).ended));
    const verdicts = messages.map((message) => integrator.integrate(message).verdict);
    expect(verdicts[3]).toMatchObject({ refusal: 'expired_key' });
  });

  it('leaves the proofs of what it signed before valid, and those of what it signed after invalid', async () => {
    const { messages, until } = rotatedLedger(anAllow);
    const { ended } = bundlesOf(until);
    const files = await buildLog(messages);
    const trust = openTrust(signTrustBundle(root, ended), rootVkey);
    const proofOf = async (call: string) => {
      const [proof] = await proveCall(directoryOf(files), call, rootVkey);
      return proof?.text ?? '';
    };
    expect(verifyProof(await proofOf('c2'), trust)).toMatchObject({ index: 2 });
    const forged = await proofOf('forged');
    expect(() => verifyProof(forged, trust)).toThrow(/was revoked before it/);
  });
});

describe('a log key that was replaced', () => {
  const rotated: TrustBundle = {
    ...bundle,
    keys: [
      ...bundle.keys.map((record) =>
        record.id === logKey.id ? { ...record, next: laterLogKey.id, until: { size: 30 } } : record,
      ),
      { ...trustedKey(laterLogKey.verifyKey, ledger, 'log', []), from: 20 },
    ],
  };
  const authority = new Authority(rotated);
  const opened = (size: number, ...keys: SigningKey[]) => {
    const note = signCheckpoint({ origin: ledger, size, root: 'A'.repeat(43) }, ...keys);
    try {
      return openCheckpoint(note, ledger, authority.logKeys()).size;
    } catch (error) {
      return (error as { cause: unknown }).cause;
    }
  };

  it.each([
    // size, signed by,              answer
    [10, [logKey], 10],
    [30, [logKey], 30],
    [31, [logKey], 'expired_log_key'],
    [19, [laterLogKey], 'expired_log_key'],
    [20, [laterLogKey], 20],
    [25, [logKey, laterLogKey], 25],
    // The old key signs on until its sealer hears of its end: it adds nothing, and takes nothing away.
    [40, [logKey, laterLogKey], 40],
    [10, [logKey, laterLogKey], 10],
  ] as const)('signs a tree of %i entries only in its range', (size, keys, answer) => {
    expect(opened(size, ...keys)).toBe(answer);
  });

  it('makes a log invalid whose larger head it signed alone', async () => {
    const { messages } = rotatedLedger(anAllow);
    const files = withBundle(await buildLog(messages.slice(0, 3)), { ...rotated, keys: keysEndingAt(3) });
    const report = await verifyFiles(files);
    expect(report.problems).toContainEqual(expect.objectContaining({ code: 'expired_log_key', exit: 40 }));
    expect(report.exit).toBe(40);
    expect(await verifyFiles(withBundle(files, { ...rotated, keys: keysEndingAt(4) }))).toMatchObject({
      exit: 10,
      problems: [],
    });
  });

  function keysEndingAt(size: number): TrustBundle['keys'] {
    return rotated.keys.map((record) =>
      record.id === logKey.id
        ? { ...record, until: { size } }
        : record.id === laterLogKey.id
          ? { ...record, from: 0 }
          : record,
    );
  }
});

function withBundle(files: LogFiles, trusted: TrustBundle): LogFiles {
  return new Map([...files, ['bundle', Buffer.from(signTrustBundle(root, trusted))]]);
}
