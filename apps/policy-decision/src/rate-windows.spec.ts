import { RateWindows } from './rate-windows.js';

const LIMIT = { api: { rateLimit: { requests: 2, perSeconds: 10 } }, open: {} };

const call = (id: string, more: object = {}) => ({
  agent: 'alice',
  call: id,
  kind: 'egress.fetch',
  resource: 'api',
  ...more,
});

describe('the window of an agent at a destination', () => {
  it('has room until the limit is reached, and again when the oldest request is as old as the window is long', () => {
    const windows = new RateWindows(LIMIT);
    windows.count(call('a'), 0);
    expect(windows.waitMs('alice', 'api', 4_000)).toBeUndefined();
    windows.count(call('b'), 4_000);
    expect(windows.waitMs('alice', 'api', 4_000)).toBe(6_000);
    expect(windows.waitMs('alice', 'api', 9_999)).toBe(1);
    expect(windows.waitMs('alice', 'api', 10_000)).toBeUndefined();
  });

  it('slides: no stretch of its length has more requests than the limit, however they come', () => {
    const windows = new RateWindows(LIMIT);
    const allowed: number[] = [];
    for (let nowMs = 0; nowMs < 60_000; nowMs += 700) {
      if (windows.waitMs('alice', 'api', nowMs) !== undefined) continue;
      windows.count(call(String(nowMs)), nowMs);
      allowed.push(nowMs);
    }
    expect(allowed.length).toBeGreaterThan(8);
    expect(allowed.every((ms, at) => at < 2 || ms - (allowed[at - 2] ?? 0) >= 10_000)).toBe(true);
  });

  it('is that of one agent and of one destination, by fetches and tunnels together', () => {
    const windows = new RateWindows(LIMIT);
    windows.count(call('a'), 0);
    windows.count(call('b', { kind: 'egress.connect' }), 0);
    expect(windows.waitMs('alice', 'api', 0)).toBe(10_000);
    expect(windows.waitMs('bob', 'api', 0)).toBeUndefined();
    for (const id of ['c', 'd', 'e']) windows.count(call(id, { resource: 'open' }), 0);
    expect(windows.waitMs('alice', 'open', 0)).toBeUndefined();
  });

  it('has no place for a tool that is called as the destination is', () => {
    const windows = new RateWindows(LIMIT);
    for (const id of ['a', 'b', 'c']) windows.count(call(id, { kind: 'tool.call' }), 0);
    expect(windows.waitMs('alice', 'api', 0)).toBeUndefined();
  });

  it('keeps the latest when more were allowed than the limit now is', () => {
    const windows = new RateWindows(LIMIT);
    for (const [at, id] of ['a', 'b', 'c', 'd'].entries()) windows.count(call(id), at * 1_000);
    expect(windows.waitMs('alice', 'api', 3_000)).toBe(9_000);
  });
});
