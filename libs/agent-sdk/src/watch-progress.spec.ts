import type { Progress } from '#writ/contracts';
import { watchProgress } from './watch-progress.js';

type Step = Progress | undefined | 'no answer' | 'the call is over';

/** What was told of these answers in turn, after the last of which the call is over. */
async function toldOf(...steps: readonly Step[]): Promise<readonly Progress[]> {
  const ended = new AbortController();
  const left = [...steps];
  const told: Progress[] = [];
  await watchProgress({
    ask: async () => {
      const step = left.length === 0 ? 'the call is over' : left.shift();
      if (step === 'the call is over') ended.abort();
      if (step === 'no answer') throw new Error(step);
      return step === 'the call is over' ? { progress: 99 } : step;
    },
    onProgress: (progress) => told.push(progress),
    signal: ended.signal,
    everyMs: 1,
  });
  return told;
}

describe('watchProgress', () => {
  it('tells what is new, once', async () => {
    const [first, second] = [{ progress: 1 }, { progress: 1, message: 'still' }];
    await expect(toldOf(first, first, second, second)).resolves.toEqual([first, second]);
  });

  it('goes on when a question got no answer, or nobody said anything yet', async () => {
    await expect(toldOf('no answer', undefined, { progress: 1 })).resolves.toEqual([{ progress: 1 }]);
  });

  it('tells nothing once the call is over, not even an answer that was on its way', async () => {
    await expect(toldOf({ progress: 1 }, 'the call is over')).resolves.toEqual([{ progress: 1 }]);
  });

  it('does not ask at all when the call is over first', async () => {
    const ask = () => Promise.reject(new Error('asked'));
    const onProgress = () => {
      throw new Error('told');
    };
    await expect(watchProgress({ ask, onProgress, signal: AbortSignal.abort() })).resolves.toBeUndefined();
  });

  it('ends with what its listener throws', async () => {
    const onProgress = () => {
      throw new Error('of the listener');
    };
    const watching = watchProgress({
      ask: async () => ({ progress: 1 }),
      onProgress,
      signal: new AbortController().signal,
      everyMs: 1,
    });
    await expect(watching).rejects.toThrow('of the listener');
  });
});
