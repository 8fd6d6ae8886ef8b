import { parseWitnessVkey } from '#writ/signing';
import type { WitnessAnswer } from '#writ/witness-client';
import { GOLDEN_WITNESS_VKEY } from '../../../test/vectors/golden-notes.js';
import { TinyLog } from '../../../test/harness/tiny-log.js';
import { type WitnessPorts, Witnesses } from './witnesses.js';

const log = TinyLog.of();
const key = parseWitnessVkey(GOLDEN_WITNESS_VKEY);
const conflict: WitnessAnswer = { name: key.name, status: 'conflict', why: 'inconsistent', size: 7 };

/** One witness that answers like that, and shows that head when it is asked for its last one. */
function aWitness(answer: WitnessAnswer, shown?: { readonly size: number; readonly root: string }) {
  const clock = { ms: 0, wallMs: 1_800_000_000_000 };
  const counts = { asked: 0, looked: 0 };
  const ports: WitnessPorts = {
    witnesses: [{ key, url: 'http://127.0.0.1:1' }],
    quorum: 1,
    logKey: { name: log.key.name, key: log.key.verifyKey },
    collect: ({ note, witnesses }) => {
      counts.asked += witnesses.length;
      return Promise.resolve({ note, cosigners: [], answers: witnesses.length === 0 ? [] : [answer] });
    },
    last: () => {
      counts.looked += 1;
      return Promise.resolve(shown === undefined ? { status: 'nothing' } : { status: 'head', head: shown });
    },
    proof: () => Promise.resolve([]),
    rootAt: (size) => Promise.resolve(log.head(size).root),
    now: () => clock.wallMs,
    elapsed: () => clock.ms,
    log: { warn: () => undefined, error: () => undefined },
  };
  const witnesses = new Witnesses(ports);
  return { counts, clock, cosign: (size: number) => witnesses.cosign(log.note(size), log.head(size)) };
}

describe('Witnesses', () => {
  it.each([
    ['a larger tree', { ...log.head(9), size: 40 }],
    ['another tree of this size', log.forkedAt(2).head(9)],
    ['another tree of an earlier size, which this one does not extend', log.forkedAt(2).head(7)],
  ])('LEDGER-06: stop the log when one shows %s that the key of the log signed', async (_case, shown) => {
    await expect(aWitness(conflict, shown).cosign(9)).rejects.toMatchObject({ code: 'LEDGER_INTEGRITY' });
  });

  it.each([
    ['nothing', undefined],
    ['an honest head', log.head(7)],
    ['the empty tree', log.head(0)],
  ])('do not stop the log when one says that it saw another history, and shows %s', async (_case, shown) => {
    await expect(aWitness(conflict, shown).cosign(9)).resolves.toBe(log.note(9));
  });

  it('are not asked for each checkpoint when they lie, so that a liar does not hold up the log', async () => {
    const { cosign, counts, clock } = aWitness(conflict);
    for (let size = 1; size < 40; size++, clock.ms += 250) await cosign(size);
    expect(counts.asked).toBeLessThan(6);
    expect(counts.looked).toBe(counts.asked);
  });

  it('are asked again after the pause, also when the clock of the machine was put back by an hour', async () => {
    const { cosign, counts, clock } = aWitness({ name: key.name, status: 'unreachable', why: 'no answer' });
    await cosign(1);
    clock.wallMs -= 3_600_000;
    clock.ms += 1_500;
    await cosign(2);
    expect(counts.asked).toBe(2);
  });
});
