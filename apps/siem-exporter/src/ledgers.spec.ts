import { ACKNOWLEDGED, FakeSink, LOG_NAME, runLoop, sealed } from './exporter.fixture.js';
import { missedBefore } from './ledgers.js';

const [FIRST, SECOND, NOW] = ['writ.test/default/2024', 'writ.test/default/2025', LOG_NAME];
const LEDGERS = {
  now: NOW,
  closed: [
    { ledger: FIRST, size: 10 },
    { ledger: SECOND, size: 7 },
  ],
};
const STATE = { logName: SECOND, next: 5, xseq: 0, size: 5, root: 'r'.repeat(43) };

describe('what a sink misses of ledgers that ended', () => {
  it.each([
    ['nothing, when it got all of the one before', NOW, { logName: SECOND, next: 7 }, []],
    ['the end of the one before', NOW, { logName: SECOND, next: 5 }, [{ ledger: SECOND, first: 5, last: 6 }]],
    [
      'the end of one and all of the next, when it was away for longer than a ledger lasted',
      NOW,
      { logName: FIRST, next: 9 },
      [
        { ledger: FIRST, first: 9, last: 9 },
        { ledger: SECOND, first: 0, last: 6 },
      ],
    ],
    [
      'the end of one, when the next one comes',
      SECOND,
      { logName: FIRST, next: 9 },
      [{ ledger: FIRST, first: 9, last: 9 }],
    ],
    ['nothing, when it is new', NOW, { logName: '', next: 0 }, []],
  ])('is %s', (_case, next, state, missed) => {
    expect(missedBefore(next, state, LEDGERS)).toEqual(missed);
  });
});

describe('a sink at the change of the ledger', () => {
  it('gets the end of one and the beginning of the next, each with its own sequence, and no entry twice', async () => {
    const sink = new FakeSink(() => ACKNOWLEDGED);
    const messages = [sealed(5, 2, { log_name: SECOND }), sealed(0, 3)];
    const { journal, state } = await runLoop(messages, { sink, state: STATE, ledgers: LEDGERS });
    expect(sink.sequences).toEqual([5, 6, 0, 1, 2]);
    expect(journal).toEqual([]);
    expect(state).toMatchObject({ logName: NOW, next: 3 });
  });

  it('has it on record, with the name of the ledger, when the end of one is not there any more', async () => {
    const sink = new FakeSink(() => ACKNOWLEDGED);
    const { journal } = await runLoop([sealed(0, 3)], { sink, state: STATE, ledgers: LEDGERS });
    const why = { code: 'SEALED_MISSING' };
    expect(journal).toEqual([{ type: 'export.gap', sink: 'lake', of: SECOND, first: 5, last: 6, why }]);
  });
});
