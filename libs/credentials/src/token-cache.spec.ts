import { type MintedToken, TokenCache } from './token-cache.js';

/** A cache with a clock of its own, and an endpoint that answers when it is told to. */
function setup() {
  let nowMs = 0;
  let asked = 0;
  const waiting: { resolve: (token: MintedToken) => void; reject: (error: Error) => void }[] = [];
  const cache = new TokenCache(() => nowMs);
  const mint = () => {
    asked++;
    return new Promise<MintedToken>((resolve, reject) => waiting.push({ resolve, reject }));
  };
  return {
    cache,
    asked: () => asked,
    at: (ms: number) => (nowMs = ms),
    get: (key = 'k', signal?: AbortSignal) => cache.get(key, mint, signal),
    answer: (minted: MintedToken) => waiting.shift()?.resolve(minted),
    fail: (message: string) => waiting.shift()?.reject(new Error(message)),
  };
}

describe('TokenCache', () => {
  it('asks once for all who ask at once, and keeps the token until shortly before it ends', async () => {
    const { get, asked, answer, at } = setup();
    const both = [get(), get()];
    answer({ token: 'first', endsMs: 3_600_000 });
    await expect(Promise.all(both)).resolves.toEqual(['first', 'first']);
    at(3_569_999);
    await expect(get()).resolves.toBe('first');
    expect(asked()).toBe(1);
    at(3_570_000);
    const next = get();
    answer({ token: 'second', endsMs: 7_200_000 });
    await expect(next).resolves.toBe('second');
    expect(asked()).toBe(2);
  });

  it.each([
    ['no end', undefined],
    ['an end that has passed', -1],
  ])('does not keep a token with %s', async (_case, endsMs) => {
    const { get, asked, answer } = setup();
    for (const token of ['first', 'second']) {
      const got = get();
      answer({ token, endsMs });
      await expect(got).resolves.toBe(token);
    }
    expect(asked()).toBe(2);
  });

  it('keeps tokens apart by their keys', async () => {
    const { get, answer } = setup();
    const both = [get('a'), get('b')];
    answer({ token: 'of a', endsMs: 60_000 });
    answer({ token: 'of b', endsMs: 60_000 });
    await expect(Promise.all(both)).resolves.toEqual(['of a', 'of b']);
  });

  it('tells a failure to all who asked at once, and asks again for the next', async () => {
    const { get, asked, fail, answer } = setup();
    const both = Promise.allSettled([get(), get()]);
    fail('no');
    expect((await both).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    const next = get();
    answer({ token: 'then', endsMs: 60_000 });
    await expect(next).resolves.toBe('then');
    expect(asked()).toBe(2);
  });

  it('asks again for the others when the call that asked was stopped', async () => {
    const { get, asked, fail, answer } = setup();
    const stopped = new AbortController();
    const first = get('k', stopped.signal);
    const second = get();
    stopped.abort();
    fail('aborted');
    await expect(first).rejects.toThrow('aborted');
    // The second call has noticed by the time that its own question is asked.
    while (asked() < 2) await new Promise(setImmediate);
    answer({ token: 'for the second', endsMs: 60_000 });
    await expect(second).resolves.toBe('for the second');
  });

  it('forgets a token that was not taken, and no later one', async () => {
    const { cache, get, asked, answer } = setup();
    const first = get();
    answer({ token: 'first', endsMs: 60_000 });
    await first;
    cache.forget('k', 'another');
    await get();
    expect(asked()).toBe(1);
    cache.forget('k', 'first');
    const next = get();
    answer({ token: 'next', endsMs: 60_000 });
    await expect(next).resolves.toBe('next');
  });
});
