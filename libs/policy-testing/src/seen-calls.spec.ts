import { SeenCalls } from './seen-calls.js';

describe('SeenCalls', () => {
  it('knows a call again, of the same agent only', () => {
    const seen = new SeenCalls();
    expect(seen.add('ada', 'c-1')).toBe(true);
    expect(seen.add('ada', 'c-2')).toBe(true);
    expect(seen.add('gus', 'c-1')).toBe(true);
    expect(seen.add('ada', 'c-1')).toBe(false);
  });

  it('takes no two of half a million calls for one, and knows each of the last quarter of a million', () => {
    const seen = new SeenCalls();
    const calls = Array.from({ length: 500_000 }, (_, n) => [`agent-${n % 200}`, `call-${n}`] as const);
    expect(calls.filter(([agent, call]) => !seen.add(agent, call))).toEqual([]);
    expect(calls.slice(-250_000).filter(([agent, call]) => seen.add(agent, call))).toEqual([]);
  });

  it('forgets the oldest', () => {
    const seen = new SeenCalls(2);
    for (const call of ['a', 'b', 'c', 'd', 'e']) seen.add('ada', call);
    expect(['e', 'd', 'c', 'a'].map((call) => seen.add('ada', call))).toEqual([false, false, false, true]);
  });
});
