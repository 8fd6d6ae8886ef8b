import type { EntryBody } from '#writ/contracts';
import type { StreamReader } from '#writ/nats';
import { Calls } from './calls.js';
import { Deadlines } from './deadlines.js';
import { completed, decided, NOON, placed } from './entries.fixture.js';

const GRACE_MS = 2_000;

interface Situation {
  readonly delivery?: 'once' | 'retry';
  /** The command still stands in COMMANDS. */
  readonly isUntaken?: boolean;
  readonly isOurs?: boolean;
  /** The outcome is in the ledger and was not read yet. */
  readonly hasOutcome?: boolean;
  readonly ledgerIsDown?: boolean;
}

function aCall({
  delivery = 'once',
  isUntaken = false,
  isOurs = true,
  hasOutcome = false,
  ledgerIsDown = false,
}: Situation) {
  const calls = new Calls('default');
  calls.apply(placed(1, decided('c', 'allow', delivery)));
  const recorded: EntryBody[] = [];
  const state = { nowMs: NOON, ledgerIsDown };
  const waiting = isUntaken ? [{ seq: 1, data: Buffer.from('{"seq":1,"i":0}') }] : [];
  const deadlines = new Deadlines({
    calls,
    commands: { read: () => Promise.resolve({ messages: waiting, upToDate: true }) } as unknown as StreamReader,
    appendFor: (producer) => {
      expect(producer).toBe('pdp-0');
      return isOurs ? append : undefined;
    },
    catchUp: () => {
      if (hasOutcome) calls.apply(placed(2, completed('c', 1)));
      return Promise.resolve();
    },
    now: () => state.nowMs,
    log: { error: () => undefined },
  });
  function append(body: EntryBody): Promise<void> {
    if (state.ledgerIsDown) return Promise.reject(new Error('the ledger is gone'));
    recorded.push(body);
    calls.apply(placed(3, body));
    return Promise.resolve();
  }
  const sweepAt = async (ms: number) => {
    state.nowMs = ms;
    await deadlines.sweep();
    return recorded.map(({ type }) => type);
  };
  return { sweepAt, state };
}

const TAKE_BY = NOON + 5_000;
const FINISH_BY = NOON + 15_000;

describe('a call that nobody finished', () => {
  it.each<[string, Situation, number, readonly string[]]>([
    ['is left alone before its deadline', { isUntaken: true }, TAKE_BY, []],
    ['is left alone while clocks may differ', { isUntaken: true }, TAKE_BY + GRACE_MS, []],
    ['expires when its command was never taken', { isUntaken: true }, TAKE_BY + GRACE_MS + 1, ['call.expired']],
    ['is left alone while its executor may be at work', {}, FINISH_BY, []],
    ['is indeterminate when it was taken and has no outcome', {}, FINISH_BY + GRACE_MS + 1, ['call.indeterminate']],
    ['may still be run again when it is one of those', { delivery: 'retry', isUntaken: true }, FINISH_BY, []],
    [
      'is indeterminate in the end also when it may run again',
      { delivery: 'retry', isUntaken: true },
      FINISH_BY + GRACE_MS + 1,
      ['call.indeterminate'],
    ],
    ['has ended when its outcome stands in the ledger', { hasOutcome: true }, FINISH_BY + GRACE_MS + 1, []],
    ['is ended by the owner of its shard alone', { isOurs: false }, FINISH_BY + GRACE_MS + 1, []],
  ])('%s', async (_case, situation, atMs, ends) => {
    await expect(aCall(situation).sweepAt(atMs)).resolves.toEqual(ends);
  });

  it('is ended once', async () => {
    const { sweepAt } = aCall({});
    const late = FINISH_BY + GRACE_MS + 1;
    await Promise.all([sweepAt(late), sweepAt(late)]);
    await expect(sweepAt(late + 60_000)).resolves.toEqual(['call.indeterminate']);
  });

  it('is ended at the next look when the ledger could not be written: nothing is ever silent', async () => {
    const { sweepAt, state } = aCall({ ledgerIsDown: true });
    const late = FINISH_BY + GRACE_MS + 1;
    await expect(sweepAt(late)).resolves.toEqual([]);
    state.ledgerIsDown = false;
    await expect(sweepAt(late + 500)).resolves.toEqual(['call.indeterminate']);
  });
});
