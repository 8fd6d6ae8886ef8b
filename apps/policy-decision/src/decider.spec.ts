import { DecisionServiceInMemory } from '../../../test/attacks/decision-service.js';
import { inTime } from './in-time.js';

const echo = (call: string, text = 'hello') => ({ v: 1, call, tool: 'demo.echo', args: { text } });
const types = (service: DecisionServiceInMemory) => service.recorded.map(({ type }) => type);

describe('a decision', () => {
  it('that permits is recorded before its command leaves, which points at the record', async () => {
    const service = new DecisionServiceInMemory();
    await expect(service.send('support', 'tool.call', echo('c'))).resolves.toBeUndefined();
    expect(service.recorded).toMatchObject([
      { type: 'tool.call.decided', eff: { d: 'allow' }, cmd: expect.any(String) },
    ]);
    expect(service.commands).toMatchObject([{ seq: 1, i: 0, body: { call: 'c', agent: 'support', delivery: 'once' } }]);
  });

  it('that nobody could carry out is a denial, and never on record as anything else', async () => {
    const service = new DecisionServiceInMemory();
    service.nowMs += 3_001;
    await expect(service.send('support', 'tool.call', echo('c'))).resolves.toMatchObject({
      status: 'denied',
      code: 'no_executor',
    });
    expect(service.recorded).toMatchObject([{ eff: { d: 'deny' }, why: { code: 'no_executor' } }]);
    expect(service.commands).toEqual([]);
  });

  it('that denies is not asked about an executor: the policy is the reason', async () => {
    const service = new DecisionServiceInMemory();
    service.nowMs += 3_001;
    await expect(service.send('intern', 'tool.call', echo('c'))).resolves.toMatchObject({ code: 'no_policy_permits' });
  });

  it('for an agent that is not registered is refused, and recorded under the name that the bus said', async () => {
    const service = new DecisionServiceInMemory();
    await expect(service.send('stranger', 'tool.call', echo('c'))).resolves.toMatchObject({
      status: 'refused',
      code: 'INPUT_UNKNOWN_AGENT',
    });
    expect(service.recorded).toMatchObject([{ type: 'request.refused', who: { agent: 'stranger' } }]);
  });

  it('is made once for requests with one id that come at the same time', async () => {
    const service = new DecisionServiceInMemory();
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => service.send('support', 'tool.call', echo('c'))),
    );
    expect(answers.filter((answer) => answer === undefined)).toHaveLength(1);
    expect(answers.filter((answer) => answer?.status === 'pending')).toHaveLength(9);
    expect(types(service)).toEqual(['tool.call.decided']);
    expect(service.commands).toHaveLength(1);
  });

  it('tells the sender nothing of the inside when there is a bug', async () => {
    const service = new DecisionServiceInMemory();
    service.ledgerFault = new TypeError('undefined is not a secret') as never;
    const answer = await service.send('support', 'tool.call', echo('c'));
    expect(answer).toMatchObject({ status: 'refused', code: 'INTERNAL' });
    expect(JSON.stringify(answer)).not.toContain('secret');
  });
});

describe('call.result', () => {
  it('tells of the calls of its agent alone', async () => {
    const service = new DecisionServiceInMemory();
    await service.send('support', 'tool.call', echo('c'));
    const ask = { v: 1, call: 'c' };
    await expect(service.send('support', 'call.result', ask)).resolves.toMatchObject({ status: 'pending' });
    await expect(service.send('intern', 'call.result', ask)).resolves.toMatchObject({ code: 'INPUT_UNKNOWN_CALL' });
  });
});

describe('catalog.list', () => {
  it('names what the agent could use, and nothing else', async () => {
    const service = new DecisionServiceInMemory();
    await expect(service.send('support', 'catalog.list', { v: 1 })).resolves.toMatchObject({
      status: 'listed',
      items: [{ type: 'tool', name: 'demo.echo', input: { required: ['text'] }, hints: { idempotent: false } }],
    });
    await expect(service.send('intern', 'catalog.list', { v: 1 })).resolves.toEqual({
      v: 1,
      status: 'listed',
      items: [],
    });
  });

  it('leaves no entry, and a refused one is recorded as any other', async () => {
    const service = new DecisionServiceInMemory();
    await service.send('support', 'catalog.list', { v: 1 });
    expect(service.recorded).toEqual([]);
    await service.send('stranger', 'catalog.list', { v: 1 });
    await service.send('support', 'catalog.list', { v: 1, agent: 'intern' });
    expect(service.recorded).toMatchObject([
      { type: 'request.refused', act: { kind: 'catalog.list' }, why: { code: 'INPUT_UNKNOWN_AGENT' } },
      { type: 'request.refused', why: { code: 'INPUT_IDENTITY_MISMATCH' } },
    ]);
  });
});

describe('inTime', () => {
  it('gives what the work gives, or what is said when it takes too long', async () => {
    await expect(inTime(Promise.resolve('done'), 1_000, () => 'late')).resolves.toBe('done');
    await expect(inTime(new Promise(() => undefined), 1, () => 'late')).resolves.toBe('late');
  });

  it('passes a failure on, and drops one that comes too late', async () => {
    await expect(inTime(Promise.reject(new Error('no')), 1_000, () => 'late')).rejects.toThrow('no');
    let fail: (error: Error) => void = () => undefined;
    const late = new Promise<string>((_, reject) => (fail = reject));
    await expect(inTime(late, 1, () => 'late')).resolves.toBe('late');
    fail(new Error('too late'));
    await expect(late).rejects.toThrow('too late');
  });
});
