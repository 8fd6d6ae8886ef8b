import { cosign, parseWitnessVkey } from '#writ/signing';
import type { WitnessAnswer } from '#writ/witness-client';
import { GOLDEN_WITNESS_VKEY, goldenWitness } from '../../../test/vectors/golden-notes.js';
import { TinyLog } from '../../../test/harness/tiny-log.js';
import type { Shown } from './ports.js';
import { type WitnessPorts, Witnesses } from './witnesses.js';

const log = TinyLog.of();
const key = parseWitnessVkey(GOLDEN_WITNESS_VKEY);
const conflict: WitnessAnswer = { name: key.name, status: 'conflict', why: 'inconsistent', size: 7 };

/** One witness that answers like that, and shows that head when it is asked for its last one. */
function aWitness(
  answer: WitnessAnswer | (() => WitnessAnswer | Promise<WitnessAnswer>),
  shown?: { readonly size: number; readonly root: string },
) {
  const clock = { ms: 0, wallMs: 1_800_000_000_000 };
  const counts = { asked: 0, looked: 0 };
  const ports: WitnessPorts = {
    witnesses: [{ key, url: 'http://127.0.0.1:1' }],
    quorum: 1,
    origin: log.key.name,
    logKeys: () => [{ name: log.key.name, key: log.key.verifyKey }],
    collect: async ({ note, witnesses }) => {
      counts.asked += witnesses.length;
      if (witnesses.length === 0) return { note, cosigners: [], answers: [] };
      const said = await (typeof answer === 'function' ? answer() : answer);
      if (said.status !== 'cosigned') return { note, cosigners: [], answers: [said] };
      return { note: `${note}${said.line}\n`, cosigners: [key.name], answers: [said] };
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
  /** Looks for what came late, as the sealer does ten times a second. */
  const look = async (shown: Shown) => {
    const came = witnesses.late(shown);
    clock.ms += 100;
    await new Promise((resolve) => setImmediate(resolve));
    return came;
  };
  return { counts, clock, witnesses, look, cosign: (size: number) => witnesses.cosign(log.note(size), log.head(size)) };
}

const unreachable: WitnessAnswer = { name: key.name, status: 'unreachable', why: 'no answer' };

/** A good cosignature of a head of this size. */
function cosignedOf(size: number): WitnessAnswer {
  const text = log.note(size).split('\n\n')[0] ?? '';
  const line = cosign(`${text}\n`, goldenWitness, 1_800_000_000);
  return { name: key.name, status: 'cosigned', line, time: 1_800_000_000, size, hasForgotten: false };
}

const shownOf = (size: number, note = log.note(size)): Shown => ({ note, head: log.head(size) });

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

  describe('that missed a checkpoint', () => {
    it('get it again with pauses that double up to 30 s, without anything new to sign', async () => {
      const { cosign, counts, clock, look } = aWitness(unreachable);
      await cosign(5);
      const offers: number[] = [];
      for (let before = counts.asked; clock.ms < 130_000; before = counts.asked) {
        const atMs = clock.ms;
        await look(shownOf(5));
        if (counts.asked > before) offers.push(atMs);
      }
      const pauses = offers.map((ms, i) => Math.round((ms - (offers[i - 1] ?? 0)) / 1_000));
      expect(pauses).toEqual([1, 1, 2, 4, 8, 16, 30, 30, 30]);
    });

    it('cosign it when they are back: it is witnessed, and they are not asked again', async () => {
      let isAway = true;
      const { cosign, counts, look, witnesses } = aWitness(() => (isAway ? unreachable : cosignedOf(5)));
      let shown = shownOf(5, await cosign(5));
      expect(witnesses.details).toMatchObject({ isWitnessed: false });
      isAway = false;
      for (let n = 0; n < 40; n++) shown = (await look(shown)) ?? shown;
      expect(shown.note).toContain(`\n\u2014 ${key.name} `);
      expect(shown.head).toEqual(log.head(5));
      expect(witnesses.details).toMatchObject({ isWitnessed: true, witnesses: { [key.name]: { size: 5 } } });
      expect(counts.asked).toBe(2);
    });

    it('are not asked for what they have cosigned before a restart', async () => {
      const { counts, look, witnesses } = aWitness(unreachable);
      const { line } = cosignedOf(5) as { readonly line?: string };
      await look(shownOf(5, `${log.note(5)}${line}\n`));
      expect(counts.asked).toBe(0);
      expect(witnesses.details).toMatchObject({ isWitnessed: true });
    });

    it('are not asked for a larger one meanwhile: its answer would look like a log that went back', async () => {
      let say: (said: WitnessAnswer) => void = () => undefined;
      const slow = new Promise<WitnessAnswer>((resolve) => (say = resolve));
      const answers = [unreachable, slow];
      const { cosign, look, counts } = aWitness(() => answers.shift() ?? unreachable);
      await cosign(5);
      for (let n = 0; n < 15; n++) await look(shownOf(5));
      expect(counts.asked).toBe(2);
      await expect(cosign(9)).resolves.toBe(log.note(9));
      expect(counts.asked).toBe(2);
      say(cosignedOf(5));
      const came = [await look(shownOf(9)), await look(shownOf(9))].find((each) => each !== undefined);
      expect(came?.head).toEqual(log.head(5));
    });

    it('LEDGER-06: stop the log when one of them holds a history that its key signed', async () => {
      const answers = [unreachable, conflict];
      const { cosign, look } = aWitness(() => answers.shift() ?? conflict, log.forkedAt(2).head(7));
      await cosign(9);
      const found = async () => {
        for (let n = 0; n < 30; n++) await look(shownOf(9));
      };
      await expect(found()).rejects.toMatchObject({ code: 'LEDGER_INTEGRITY' });
    });

    it('do not stop the log when somebody else handed them a newer checkpoint of it', async () => {
      const answers = [unreachable, conflict];
      const { cosign, look } = aWitness(() => answers.shift() ?? conflict, log.head(9));
      await cosign(5);
      await cosign(9);
      for (let n = 0; n < 30; n++) await expect(look(shownOf(5))).resolves.toBeUndefined();
    });
  });
});
