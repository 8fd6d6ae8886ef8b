import { setImmediate as turn } from 'node:timers/promises';
import { deferred } from '#writ/mcp';
import { ToolGate } from './tool-gate.js';

const { signal } = new AbortController();

/** Calls that run until they are told to end, in the order in which they began. */
function calls(gate: ToolGate) {
  const began: string[] = [];
  const ends: (() => void)[] = [];
  const call = (agent: string, until = signal) =>
    gate.pass(agent, until, () => {
      const { promise, resolve } = deferred<void>();
      began.push(agent);
      ends.push(() => resolve());
      return promise;
    });
  const endFirst = async () => {
    await turn();
    ends.shift()?.();
    await turn();
  };
  return { began, call, endFirst };
}

describe('the places of a tool', () => {
  it('are as many as are declared, and who waits gets the next one', async () => {
    const { began, call, endFirst } = calls(new ToolGate(2));
    const first = call('a');
    void call('b');
    const third = call('a');
    await turn();
    expect(began).toEqual(['a', 'b']);
    await endFirst();
    await first;
    expect(began).toEqual(['a', 'b', 'a']);
    await endFirst();
    await endFirst();
    await third;
  });

  it('leaves half of the places and of the queue to others, whatever one agent asks', async () => {
    const { began, call } = calls(new ToolGate(4));
    for (let waiting = 0; waiting < 6; waiting++) void call('greedy');
    await turn();
    expect(began).toEqual(['greedy', 'greedy']);
    await expect(call('greedy')).rejects.toMatchObject({ code: 'EXECUTOR_BUSY' });
    void call('other');
    await turn();
    expect(began).toEqual(['greedy', 'greedy', 'other']);
  });

  it('are refused at once when the queue is full', async () => {
    const { call } = calls(new ToolGate(1));
    for (const agent of ['a', 'b', 'c']) void call(agent);
    await expect(call('d')).rejects.toMatchObject({ code: 'EXECUTOR_BUSY' });
  });

  it('are free again after a failure, and a call that waited until its deadline never runs', async () => {
    const gate = new ToolGate(1);
    await expect(gate.pass('a', signal, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    const { began, call, endFirst } = calls(gate);
    const running = call('a');
    const deadline = new AbortController();
    const late = call('b', deadline.signal);
    deadline.abort();
    await expect(late).rejects.toMatchObject({ code: 'EXECUTOR_TIMEOUT' });
    await endFirst();
    await running;
    expect(began).toEqual(['a']);
  });
});
