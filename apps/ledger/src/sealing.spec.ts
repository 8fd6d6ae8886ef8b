import { Fault } from '#writ/faults';
import type { Sealer } from './sealer.js';
import { Sealing, type SealingPorts } from './sealing.js';
import { Tick } from './tick.js';

const head = { size: 3, root: 'r'.repeat(43) };

function aSealing(sealer: Partial<Sealer> | Fault, ports: Partial<SealingPorts> = {}) {
  const said: { type: string }[] = [];
  const fenced: string[] = [];
  const append = (body: { type: string }) => Promise.resolve(void said.push(body));
  const sealing = new Sealing({
    open: () =>
      sealer instanceof Fault
        ? Promise.reject(sealer)
        : Promise.resolve({ recover: () => Promise.resolve(), head, published: head, ...sealer } as Sealer),
    assertStream: () => Promise.resolve(),
    assertOwner: () => Promise.resolve(),
    tick: new Tick(append, () => 0),
    previous: () => undefined,
    isEnding: () => false,
    elapsed: () => 0,
    append,
    log: { error: () => undefined, fatal: () => undefined },
    onFenced: ({ code }) => fenced.push(code),
    ...ports,
  });
  return { sealing, said, fenced };
}

describe('Sealing', () => {
  it('says on record from which tree it goes on', async () => {
    const { sealing, said } = aSealing({});
    await sealing.begin();
    expect(said).toEqual([{ type: 'ledger.opened', ...head }]);
    expect(sealing.isServing).toBe(true);
  });

  it('names the ledger before in the first entry of one that goes on from it, and in no later one', async () => {
    const prev = { ledger: 'writ.test/default/2025', size: 9, root: 'q'.repeat(43), checkpoint: 'a note' };
    const fresh = { size: 0, root: 'e'.repeat(43) };
    const first = aSealing({ head: fresh }, { previous: () => prev });
    await first.sealing.begin();
    expect(first.said).toEqual([{ type: 'ledger.opened', ...fresh, prev }]);
    const later = aSealing({}, { previous: () => prev });
    await later.sealing.begin();
    expect(later.said).toEqual([{ type: 'ledger.opened', ...head }]);
  });

  it('writes nothing in a ledger that ends: neither that it began, nor a tick', async () => {
    const ticked: string[] = [];
    const tick = new Tick(
      async ({ type }) => ticked.push(type),
      () => ticked.length * 60_000 + 60_001,
    );
    const take = async () => undefined;
    const { sealing, said } = aSealing({ frozen: 'writ.test/default/2027', take }, { tick, isEnding: () => true });
    await sealing.begin();
    await sealing.take([]);
    await sealing.take([]);
    expect([said, ticked, sealing.frozen]).toEqual([[], [], 'writ.test/default/2027']);
  });

  it.each(['LEDGER_INTEGRITY', 'LEDGER_CORRUPT', 'CONFIG_DATA_DIR_CORRUPT'] as const)(
    'signs nothing after %s at the start, and says so on record and to whoever asks',
    async (code) => {
      const { sealing, said } = aSealing(new Fault(code, 'the stories differ'));
      await sealing.begin();
      expect(sealing.isServing).toBe(false);
      expect(sealing.refusal).toBe(`${code}: the stories differ`);
      expect(said).toEqual([{ type: 'ledger.integrity.violation', why: { code, text: 'the stories differ' } }]);
    },
  );

  it('ends, and raises no alarm, when what it found different was changed by a sealer that has taken over', async () => {
    const overtaken = {
      assertOwner: () => Promise.reject(new Fault('LEDGER_FENCED', 'another sealer has taken over')),
    };
    const { sealing, said, fenced } = aSealing(new Fault('LEDGER_INTEGRITY', 'the tiles differ'), overtaken);
    await sealing.begin();
    expect([fenced, said]).toEqual([['LEDGER_FENCED'], []]);
  });

  it('takes nothing more after it found a hole in the stream', async () => {
    let taken = 0;
    const { sealing, said } = aSealing({
      take: () => {
        taken += 1;
        return Promise.reject(new Fault('LEDGER_INTEGRITY', 'messages are missing'));
      },
    });
    await sealing.begin();
    await sealing.take([]);
    await sealing.take([]);
    expect(taken).toBe(1);
    expect(said.at(-1)).toMatchObject({ type: 'ledger.integrity.violation' });
  });

  it('tries again what may be over the next time', async () => {
    const failures = [new Fault('LEDGER_LOG_UNWRITABLE', 'the disk is full')];
    const { sealing } = aSealing({
      take: () => (failures.length > 0 ? Promise.reject(failures.pop() as Fault) : Promise.resolve()),
    });
    await sealing.begin();
    await expect(sealing.take([])).rejects.toMatchObject({ code: 'LEDGER_LOG_UNWRITABLE' });
    await expect(sealing.take([])).resolves.toBeUndefined();
    expect(sealing.isServing).toBe(true);
  });

  it('says what keeps it from sealing for as long as it does', async () => {
    let isFull = true;
    const { sealing } = aSealing({
      take: () => (isFull ? Promise.reject(new Fault('LEDGER_LOG_UNWRITABLE', 'no space')) : Promise.resolve()),
    });
    await sealing.begin();
    await sealing.take([]).catch(() => undefined);
    expect(sealing.problem).toBe('no space');
    isFull = false;
    await sealing.take([]);
    expect(sealing.problem).toBeUndefined();
  });

  it('begins later when it could not begin at first, and takes nothing before', async () => {
    let isFull = true;
    const taken: unknown[] = [];
    const sealer = { recover: () => Promise.resolve(), head, published: head, take: (m: unknown) => taken.push(m) };
    const { sealing, said } = aSealing(
      {},
      {
        open: () =>
          isFull
            ? Promise.reject(new Fault('LEDGER_LOG_UNWRITABLE', 'no space'))
            : Promise.resolve(sealer as unknown as Sealer),
      },
    );
    await expect(sealing.begin()).rejects.toMatchObject({ code: 'LEDGER_LOG_UNWRITABLE' });
    await expect(sealing.take([])).rejects.toMatchObject({ code: 'LEDGER_LOG_UNWRITABLE' });
    isFull = false;
    await sealing.take([]);
    expect(taken).toEqual([]);
    await sealing.take([]);
    expect(taken).toEqual([[]]);
    expect(said).toEqual([{ type: 'ledger.opened', ...head }]);
  });

  it('takes nothing from a stream that was replaced while it ran', async () => {
    const taken: unknown[] = [];
    const { sealing } = aSealing(
      { take: () => Promise.resolve(void taken.push(1)) },
      { assertStream: () => Promise.reject(new Fault('LEDGER_INTEGRITY', 'this is another stream')) },
    );
    await sealing.begin();
    await sealing.take([{ seq: 1, subject: 'ledger.block.pdp-0', data: Buffer.alloc(0) }]);
    expect(taken).toEqual([]);
    expect(sealing.refusal).toBe('LEDGER_INTEGRITY: this is another stream');
  });

  it('ends when another sealer is at work, without a word in the ledger', async () => {
    const { sealing, said, fenced } = aSealing({ take: () => Promise.reject(new Fault('LEDGER_FENCED', 'another')) });
    await sealing.begin();
    await sealing.take([]);
    expect(fenced).toEqual(['LEDGER_FENCED']);
    expect(sealing.isServing).toBe(false);
    expect(said.map(({ type }) => type)).toEqual(['ledger.opened']);
  });
});
