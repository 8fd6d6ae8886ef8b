import { Authority } from '#writ/signing';
import { makeDeployment, buildHealthyLedger } from '../../../test/harness/ledger-builder.js';
import { buildLog, bundleWith, directoryOf } from '../../../test/harness/log-builder.js';
import { openTrust } from './log/evidence.js';
import { proveCall } from './log/prove-call.js';
import { verifyProof } from './log-proof.js';

const { rootVkey } = makeDeployment();
const healthy = buildHealthyLedger(6);
const CALL = 'call-pdp-0-4-1';
const trust = openTrust(bundleWith({}), rootVkey);

async function proofs(options = {}) {
  const files = await buildLog(healthy.messages, { checkpointEvery: 7, ...options });
  return (await proveCall(directoryOf(files), CALL, rootVkey)).map(({ text }) => text);
}

/** The proof with one member of its `extra` replaced. */
function withExtra(text: string, change: (extra: Record<string, unknown>) => void): string {
  return text.replace(/^extra (.*)$/m, (_line, encoded: string) => {
    const extra = JSON.parse(Buffer.from(encoded, 'base64').toString()) as Record<string, unknown>;
    change(extra);
    return `extra ${Buffer.from(JSON.stringify(extra)).toString('base64')}`;
  });
}

describe('a proof file', () => {
  it('shows each entry of a call to be in the log and its author to have signed it, with the trust bundle alone', async () => {
    const texts = await proofs();
    expect(texts).toHaveLength(2);
    const [decided, completed] = texts.map((text) => verifyProof(text, trust));
    expect(decided?.entry).toMatchObject({ type: 'tool.call.decided', corr: { call: CALL }, prod: { id: 'pdp-0' } });
    expect(completed?.entry).toMatchObject({ type: 'tool.call.completed', prod: { id: 'exec-tool-1' } });
    expect(decided).toMatchObject({ head: { size: 63 }, witnesses: [], quorum: 0 });
  });

  it('names the witnesses that cosigned its head', async () => {
    const witnesses = ['w1', 'w2'];
    const [text = ''] = await proofs({ witnesses, quorum: 2 });
    const proved = verifyProof(text, openTrust(bundleWith({ witnesses, quorum: 2 }), rootVkey));
    expect(proved).toMatchObject({ witnesses: ['witness.test/w1', 'witness.test/w2'], quorum: 2 });
  });

  it('is a C2SP tlog-proof: version, extra, index, hashes, an empty line and the checkpoint', async () => {
    const [text = ''] = await proofs();
    expect(text).toMatch(
      /^c2sp\.org\/tlog-proof@v1\nextra [A-Za-z0-9+/=]+\nindex [0-9]+\n([A-Za-z0-9+/]{43}=\n)+\nwrit\.test\/default\/2026\n63\n/,
    );
  });

  it('does not hold with a byte changed, cut or doubled, anywhere', async () => {
    const [text = ''] = await proofs();
    const good = Buffer.from(text);
    const isRefused = (bytes: Buffer) => {
      try {
        verifyProof(bytes.toString('utf8'), trust);
        return false;
      } catch (thrown) {
        return (thrown as { code?: string }).code === 'LEDGER_CORRUPT';
      }
    };
    const missed: string[] = [];
    for (let at = 0; at < good.length; at += 3) {
      const flipped = Buffer.from(good);
      flipped[at] = (good[at] ?? 0) ^ (1 << (at % 8));
      if (!isRefused(flipped)) missed.push(`flip ${at}`);
      if (at % 21 === 0 && !isRefused(good.subarray(0, at))) missed.push(`cut ${at}`);
      if (
        at % 21 === 0 &&
        !isRefused(Buffer.concat([good.subarray(0, at), good.subarray(Math.max(0, at - 5))])) &&
        at > 0
      )
        missed.push(`doubled ${at}`);
    }
    expect(missed).toEqual([]);
  });

  it.each<[string, (extra: Record<string, unknown>) => void]>([
    ['another entry of the same block', (extra) => (extra['i'] = 0)],
    ['an entry that nobody wrote', (extra) => (extra['entry'] = '{}')],
    ['the signature of another block', (extra) => (extra['sig'] = `${'A'.repeat(85)}A`)],
    ['another producer', (extra) => ((extra['header'] as Record<string, unknown>)['producer'] = 'pdp-1')],
    ['no header', (extra) => delete extra['header']],
    ['a path that is none', (extra) => (extra['path'] = 'x')],
    ['an unknown member', (extra) => (extra['zzz'] = 1)],
  ])('does not hold with %s', async (_case, change) => {
    const [text = ''] = await proofs();
    expect(() => verifyProof(withExtra(text, change), trust)).toThrow(
      expect.objectContaining({ code: 'LEDGER_CORRUPT' }),
    );
  });

  it('does not hold under the trust bundle of another ledger', async () => {
    const [text = ''] = await proofs();
    const { keys } = makeDeployment().bundle;
    const stranger = { ...trust, authority: new Authority({ v: 1, ledger: 'writ.test/other/2026', keys: [...keys] }) };
    expect(() => verifyProof(text, stranger)).toThrow(expect.objectContaining({ code: 'LEDGER_CORRUPT' }));
  });
});

describe('proveCall', () => {
  it('says when the log has no entry of the call', async () => {
    const files = await buildLog(healthy.messages);
    await expect(proveCall(directoryOf(files), 'nobody', rootVkey)).rejects.toMatchObject({ code: 'CONFIG_NOT_FOUND' });
  });

  it('gives no proof from a log that is damaged on the way', async () => {
    const files = await buildLog(healthy.messages);
    files.delete('tile/entries/000.p/63');
    await expect(proveCall(directoryOf(files), CALL, rootVkey)).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' });
  });
});
