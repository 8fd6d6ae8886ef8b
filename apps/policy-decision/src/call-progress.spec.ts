import type { Command, CommandBody } from '#writ/contracts';
import type { Bus, BusMessage } from '#writ/nats';
import { DecisionServiceInMemory } from '../../../test/attacks/decision-service.js';
import { CallProgress } from './call-progress.js';
import { Calls } from './calls.js';
import { completed, decided, ended, placed } from './entries.fixture.js';

const POOL = 'progress.tool.default';
const SALT = 'S'.repeat(22);
const body: CommandBody = {
  ...{ tenant: 'default', agent: 'alice', call: 'c', kind: 'tool.call', executor: 'tool', delivery: 'once' },
  ...{ pool: 'default', resource: 'act', dig: '', args: {}, obligations: [], takeBy: 0, finishBy: 0 },
  ...{ reply: '_R_.a', progress: true },
};
const command: Command = { v: 1, seq: 1, i: 0, salt: SALT, body };
const report = { v: 1, seq: 1, i: 0, salt: SALT, progress: { progress: 3, total: 10, message: 'copying' } };

/** Speaks to it as the bus does. */
function hear(progress: CallProgress) {
  let deliver: (message: BusMessage) => void = () => undefined;
  const bus: Pick<Bus, 'subscribe'> = {
    subscribe: (_subject, { onMessage }) => {
      deliver = onMessage;
      return { unsubscribe: () => undefined, drain: () => Promise.resolve() };
    },
  };
  progress.listen(bus);
  return (subject: string, text: string) =>
    deliver({
      ...{ subject, reply: undefined, data: Buffer.from(text), status: 0 },
      ...{ header: () => undefined, headerText: () => '' },
    });
}

/** A decision service that decided on one call, and issued its command with that body. */
function aService(over: Partial<CommandBody> = {}) {
  const calls = new Calls('default');
  calls.apply(placed(1, decided('c')));
  const progress = new CallProgress(calls);
  progress.watch({ ...command, body: { ...body, ...over } });
  const say = hear(progress);
  return {
    calls,
    progress,
    say: (said: object = report, subject = POOL) => say(subject, JSON.stringify(said)),
    raw: say,
  };
}

describe('the progress of a call', () => {
  it('is what its executor said last', () => {
    const { progress, say } = aService();
    expect(progress.of(command)).toBeUndefined();
    say();
    say({ ...report, progress: { progress: 4 } });
    expect(progress.of(command)).toEqual({ progress: 4 });
    expect(progress.details).toEqual({ watched: 1, taken: 2, dropped: 0 });
  });

  it.each([
    // because                                          said                          where
    ['another pool says it', report, 'progress.tool.other'],
    ['an executor of another kind says it', report, 'progress.memory.default'],
    ['whoever says it was not given the command', { ...report, salt: 'T'.repeat(22) }, POOL],
    ['it is about another decision', { ...report, seq: 2 }, POOL],
    ['it is about another entry of the block', { ...report, i: 1 }, POOL],
    ['it has members that nobody knows', { ...report, agent: 'gus' }, POOL],
    ['its amount is no bounded number', { ...report, progress: { progress: 1e13 } }, POOL],
    ['its amount is negative', { ...report, progress: { progress: -1 } }, POOL],
    ['its message is too long', { ...report, progress: { progress: 1, message: 'x'.repeat(257) } }, POOL],
  ])('is nothing, and counted, when %s', (_because, said, subject) => {
    const { progress, say } = aService();
    say(said, subject);
    expect(progress.of(command)).toBeUndefined();
    expect(progress.details).toEqual({ watched: 1, taken: 0, dropped: 1 });
  });

  it.each(['', '{', '{"v":1,"v":1}', `{"v":1,"more":"${'x'.repeat(8_192)}"}`])(
    'takes %j for no report, and hears the next one',
    (text) => {
      const { progress, say, raw } = aService();
      raw(POOL, text);
      say();
      expect(progress.details).toEqual({ watched: 1, taken: 1, dropped: 1 });
    },
  );

  it('is not taken of a call whose agent did not ask for it', () => {
    const { progress, say } = aService({ progress: undefined });
    say();
    expect(progress.details).toEqual({ watched: 0, taken: 0, dropped: 1 });
  });

  it.each([
    ['completed', completed('c', 1)],
    ['expired', ended('call.expired', 'c', 1)],
    ['is indeterminate', ended('call.indeterminate', 'c', 1)],
  ])('is not taken of a call that %s, which is forgotten', (_how, end) => {
    const { calls, progress, say } = aService();
    calls.apply(placed(2, end));
    say();
    expect(progress.details).toEqual({ watched: 1, taken: 0, dropped: 1 });
    progress.sweep();
    expect(progress.details.watched).toBe(0);
  });

  it('of a call that runs is not forgotten', () => {
    const { progress, say } = aService();
    say();
    progress.sweep();
    expect(progress.of(command)).toEqual(report.progress);
  });

  it('is unknown to a process that did not decide on the call: a standby, or one that took over', () => {
    const { calls } = aService();
    const standby = new CallProgress(calls);
    hear(standby)(POOL, JSON.stringify(report));
    expect(standby.of(command)).toBeUndefined();
    expect(standby.details).toEqual({ watched: 0, taken: 0, dropped: 1 });
  });
});

describe('an agent', () => {
  const asked = { v: 1, call: 'c', tool: 'demo.echo', args: { text: 'x' } };

  /** A decision service whose agent made that request, and whose executor said how far it is. */
  async function running(request: object) {
    const service = new DecisionServiceInMemory();
    await service.send('support', 'tool.call', request);
    const [issued] = service.commands;
    const { seq = 0, i = 0, salt = '' } = issued ?? {};
    hear(service.progress)(POOL, JSON.stringify({ ...report, seq, i, salt }));
    return service;
  }

  it('that asked for it is told how far its call is, when it asks and when it sends the same request again', async () => {
    const service = await running({ ...asked, progress: true });
    const pending = { v: 1, call: 'c', status: 'pending', progress: report.progress, entry: expect.any(String) };
    await expect(service.send('support', 'call.result', { v: 1, call: 'c' })).resolves.toEqual(pending);
    await expect(service.send('support', 'tool.call', asked)).resolves.toEqual(pending);
    expect(JSON.stringify(service.recorded)).not.toContain('copying');
  });

  it('that did not ask for it gets the answer that it knows', async () => {
    const service = await running(asked);
    const pending = { v: 1, call: 'c', status: 'pending', entry: expect.any(String) };
    await expect(service.send('support', 'call.result', { v: 1, call: 'c' })).resolves.toEqual(pending);
  });

  it('is told nothing of the calls of another', async () => {
    const service = await running({ ...asked, progress: true });
    const refused = await service.send('intern', 'call.result', { v: 1, call: 'c' });
    expect(refused).toMatchObject({ status: 'refused', code: 'INPUT_UNKNOWN_CALL' });
    expect(refused).not.toHaveProperty('progress');
  });

  it.each([false, 'yes', 1])('that asks for it by %j is refused', async (progress) => {
    const service = new DecisionServiceInMemory();
    const answer = service.send('support', 'tool.call', { ...asked, progress });
    await expect(answer).resolves.toMatchObject({ code: 'INPUT_INVALID' });
  });
});
