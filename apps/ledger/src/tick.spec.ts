import { Tick } from './tick.js';

function aTick() {
  const clock = { ms: 0 };
  const said: unknown[] = [];
  const tick = new Tick(
    (body) => Promise.resolve(void said.push(body)),
    () => clock.ms,
  );
  return { clock, said, tick };
}

const head = { size: 7, root: 'r' };

describe('Tick', () => {
  it('says the head when nothing was signed for a minute, and again a minute later', async () => {
    const { clock, said, tick } = aTick();
    await tick.afterBatch(head);
    for (clock.ms = 0; clock.ms < 130_000; clock.ms += 1_000) await tick.afterBatch(head);
    expect(said).toEqual([
      { type: 'ledger.tick', ...head },
      { type: 'ledger.tick', ...head },
    ]);
  });

  it('says nothing while checkpoints come', async () => {
    const { clock, said, tick } = aTick();
    for (let size = 1; size < 20; size++) {
      clock.ms += 50_000;
      await tick.afterBatch({ size, root: 'r' });
    }
    expect(said).toEqual([]);
  });

  it('says nothing before there is a head', async () => {
    const { clock, said, tick } = aTick();
    clock.ms = 100_000;
    await tick.afterBatch(undefined);
    expect(said).toEqual([]);
  });
});
