import { ACKNOWLEDGED, FakeSink, runLoop, sealed, SILENT } from './exporter.fixture.js';
import type { Delivery, Tests } from './ports.js';
import { SinkTester } from './sink-tester.js';

/** Somebody who asks for one test; what was answered. */
function asking(id = 'test-0011223344556677') {
  const answers: (readonly [id: string, delivery: Delivery])[] = [];
  let asked: string | undefined = id;
  const tests: Tests = {
    asked: () => Promise.resolve(asked),
    answer: (of, delivery) => {
      asked = undefined;
      return Promise.resolve(void answers.push([of, delivery]));
    },
  };
  return { tests, answers };
}

describe('a test of a sink', () => {
  it('is one marked record that is no part of the log, and the place of the sink stays', async () => {
    const texts: string[] = [];
    const sink = new FakeSink((records) => {
      texts.push(...records.map(({ text }) => text));
      return ACKNOWLEDGED;
    });
    const { tests, answers } = asking();
    const { state } = await runLoop([sealed(0, 3), sealed(3, 1)], { sink, tests });
    expect(answers).toEqual([['test-0011223344556677', ACKNOWLEDGED]]);
    const marked = texts.filter((text) => text.includes('"test":"test-0011223344556677"'));
    expect(marked).toHaveLength(1);
    expect(JSON.parse(marked[0] ?? '')).not.toHaveProperty('sequence');
    expect([sink.sequences, state?.next]).toEqual([[0, 1, 2, 3], 4]);
  });

  it('is answered while the sink takes nothing, and tried once', async () => {
    let isDown = true;
    let tried = 0;
    const { tests, answers } = asking();
    const sink = new FakeSink((records) => {
      if (records.some(({ text }) => text.includes('"test":'))) tried += 1;
      else if (answers.length > 0) isDown = false;
      return isDown ? new Error('connection refused') : ACKNOWLEDGED;
    });
    await runLoop([sealed(0, 2)], { sink, tests });
    expect(answers).toEqual([['test-0011223344556677', { status: 'again', why: 'connection refused' }]]);
    expect(tried).toBe(1);
    expect(sink.sequences).toEqual([0, 1]);
  });

  it('that cannot be read or answered stops nothing', async () => {
    const broken = () => Promise.reject(new Error('the disk is full'));
    const record = () => {
      throw new Error('nothing is asked for');
    };
    const sink = new FakeSink(() => ACKNOWLEDGED);
    const tester = new SinkTester({ sink, tests: { asked: broken, answer: broken }, log: SILENT, record });
    await expect(tester.step()).resolves.toBeUndefined();
    await runLoop([sealed(0, 2)], { sink, tests: { asked: () => Promise.resolve('test-1'), answer: broken } });
    expect(sink.sequences).toEqual([0, 1]);
  });
});
