import { Fault } from '#writ/faults';
import { withRetries } from './retries.js';

const failure = (transient?: Fault['transient']) => new Fault('EXECUTOR_FAILED', 'failed', transient && { transient });

/** Fails in that way for ever, and says after how many tries it was given up, and how long it waited between the first two. */
async function triesOf(error: Fault, over: { max?: number; withinMs?: number; call?: string; pauseMs?: number } = {}) {
  const at: number[] = [];
  const work = async () => {
    at.push(performance.now());
    throw error;
  };
  const { signal } = new AbortController();
  const now = () => performance.now();
  const options = { max: 2, pauseMs: 1, isIdempotent: true, call: 'c', withinMs: 60_000, now, signal, ...over };
  await expect(withRetries(work, options)).rejects.toBe(error);
  return { tries: at.length, pauseMs: (at[1] ?? NaN) - (at[0] ?? NaN) };
}

describe('withRetries', () => {
  it('tries so often as it may, and no oftener', async () => {
    await expect(triesOf(failure({ sent: true }))).resolves.toMatchObject({ tries: 3 });
    await expect(triesOf(failure({ sent: true }), { max: 0 })).resolves.toMatchObject({ tries: 1 });
  });

  it('does not try again what will not pass', async () => {
    await expect(triesOf(failure())).resolves.toMatchObject({ tries: 1 });
  });

  it('waits as long as the service asks for', async () => {
    // Timers may come a millisecond early.
    const { pauseMs } = await triesOf(failure({ sent: true, afterMs: 60 }), { max: 1 });
    expect(pauseMs).toBeGreaterThanOrEqual(59);
  });

  it('does not wait for a try that would begin after the deadline', async () => {
    await expect(triesOf(failure({ sent: true, afterMs: 3_600_000 }))).resolves.toMatchObject({ tries: 1 });
    await expect(triesOf(failure({ sent: true }), { withinMs: 0 })).resolves.toMatchObject({ tries: 1 });
  });

  it('ends with its signal while it waits', async () => {
    const caller = new AbortController();
    const work = async () => {
      setImmediate(() => caller.abort());
      throw failure({ sent: true, afterMs: 3_600_000 });
    };
    const { signal } = caller;
    const options = { max: 1, pauseMs: 1, isIdempotent: true, call: 'c', withinMs: Infinity, now: () => 0, signal };
    await expect(withRetries(work, options)).rejects.toMatchObject({ name: 'AbortError' });
  });
});
