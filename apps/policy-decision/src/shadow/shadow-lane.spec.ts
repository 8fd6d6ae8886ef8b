import { decide, type PolicyRequest, uids } from '#writ/policy';
import { mail, MAIL_WORLD, rulesOf } from '../authzen/access.fixture.js';
import type { OracleAnswer, OracleQuestion } from './oracle-child.js';
import { ShadowLane } from './shadow-lane.js';
import type { ShadowedDecision } from '#writ/authorisation';

const { policies: set } = rulesOf(MAIL_WORLD);
const SAME: OracleAnswer = { decision: 'allow', determining: ['mail-inside'], errors: [] };

function decided(call: string, inSet = set): ShadowedDecision {
  const request: PolicyRequest = {
    principal: uids.agent('support'),
    action: uids.action('mail.send'),
    resource: uids.tool('mail.send'),
    context: { input: mail().context.input, session: { callsToday: 0 }, time: { unix: 0, hour: 0, weekday: 0 } },
  };
  return { kind: 'decide', set: inSet, request, decision: decide(inSet, request), agent: 'support', call };
}

/** A lane whose oracle, clock and chance are the test's. */
class LaneInMemory {
  readonly asked: OracleQuestion[] = [];
  readonly alarms: string[] = [];
  readonly later: { readonly ms: number; readonly run: () => void }[] = [];
  opened = 0;
  ended = 0;
  random = 0;
  answer: (question: OracleQuestion) => Promise<OracleAnswer> = () => Promise.resolve(SAME);
  readonly lane: ShadowLane;

  constructor(oneIn = 1) {
    this.lane = new ShadowLane({
      oneIn,
      random: () => this.random,
      openOracle: () => {
        this.opened += 1;
        return {
          ask: (question) => {
            this.asked.push(question);
            return this.answer(question);
          },
          end: () => void (this.ended += 1),
        };
      },
      later: (ms, run) => {
        const timer = { ms, run };
        this.later.push(timer);
        return () => void (this.later.includes(timer) && this.later.splice(this.later.indexOf(timer), 1));
      },
      onDifference: ({ decided: { call } }) => Promise.resolve(void this.alarms.push(call)),
      log: { error: () => undefined },
    });
  }

  /** Everything that waits has been asked, or a pause has begun. */
  async settled(): Promise<void> {
    while (this.later.length === 0) await new Promise<void>((resolve) => setImmediate(resolve));
  }

  runLater(): void {
    this.later.splice(0).forEach(({ run }) => run());
  }
}

describe('the sample', () => {
  it.each([
    [0, 0, 0],
    [1, 0, 1_000],
    [10, 0.5, 100],
    [1_000, 0.4999, 1],
  ])('of one in %i, by chance, is looked at', (oneIn, random, expected) => {
    const memory = new LaneInMemory(oneIn);
    memory.random = random;
    const { lane } = memory;
    for (let n = 0; n < 2_000 && n < oneIn; n++) lane.isDue();
    let due = 0;
    for (let n = 0; n < 1_000; n++) if (lane.isDue()) due += 1;
    expect(due).toBe(expected);
  });
});

describe('the shadow lane', () => {
  it('asks the oracle the same question, after the answer of the decision, and finds no difference', async () => {
    const memory = new LaneInMemory();
    memory.lane.offer(decided('c1'));
    expect(memory.asked).toEqual([]);
    await memory.settled();
    expect(memory.asked).toEqual([decided('c1').request]);
    expect(memory.lane.details).toMatchObject({ checked: 1, differences: 0, failures: 0 });
    expect(memory.alarms).toEqual([]);
  });

  it('raises an alarm for a difference, once for each, and counts it', async () => {
    const memory = new LaneInMemory();
    memory.answer = () => Promise.resolve({ decision: 'deny', determining: [], errors: [] });
    memory.lane.offer(decided('c1'));
    memory.lane.offer(decided('c2'));
    await memory.settled();
    expect(memory.alarms).toEqual(['c1', 'c2']);
    expect(memory.lane.details).toMatchObject({ checked: 2, differences: 2 });
  });

  it('lets few decisions wait, and counts those that it drops', async () => {
    const memory = new LaneInMemory();
    for (let n = 0; n < 100; n++) memory.lane.offer(decided(`c${n}`));
    expect(memory.lane.details).toMatchObject({ waiting: 64, dropped: 36 });
    await memory.settled();
    expect(memory.lane.details).toMatchObject({ waiting: 0, checked: 64 });
  });

  it('asks another oracle after a failure, and waits longer each time, up to a minute', async () => {
    const memory = new LaneInMemory();
    memory.answer = () => Promise.reject(new Error('gone'));
    const pauses: number[] = [];
    for (let n = 0; n < 8; n++) {
      memory.lane.offer(decided(`c${n}`));
      await memory.settled();
      pauses.push(memory.later[0]?.ms ?? 0);
      if (n < 7) memory.lane.offer(decided(`d${n}`));
      memory.runLater();
    }
    expect(pauses.slice(0, 3)).toEqual([1_000, 2_000, 4_000]);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(60_000);
    expect(memory.opened).toBe(memory.ended);
    memory.answer = () => Promise.resolve(SAME);
    memory.lane.offer(decided('good'));
    memory.runLater();
    await memory.settled();
    expect(memory.lane.details['checked']).toBeGreaterThan(0);
  });

  it('asks another oracle when the policies are others, and ends one that has nothing to do', async () => {
    const memory = new LaneInMemory();
    memory.lane.offer(decided('c1'));
    memory.lane.offer(decided('c2', rulesOf(MAIL_WORLD).policies));
    await memory.settled();
    expect([memory.opened, memory.ended]).toEqual([2, 1]);
    expect(memory.later[0]?.ms).toBe(30_000);
    memory.runLater();
    expect(memory.ended).toBe(2);
  });

  it('takes nothing and keeps nothing once it is closed', async () => {
    const memory = new LaneInMemory();
    memory.lane.offer(decided('c1'));
    await memory.settled();
    memory.lane.close();
    memory.lane.offer(decided('c2'));
    expect(memory.lane.details).toMatchObject({ waiting: 0, checked: 1, dropped: 1 });
    expect(memory.ended).toBe(1);
  });
});
