import { ChangeWatcher } from './change-watcher.js';

/** A watcher over files that look like this, look after look, and how often it reloaded after each. */
async function reloadsOver(...looks: readonly string[]): Promise<readonly number[]> {
  let at = 0;
  let reloads = 0;
  const watcher = new ChangeWatcher(
    async () => looks[at] ?? '',
    'a',
    async () => void (reloads += 1),
  );
  const after: number[] = [];
  for (; at < looks.length; at += 1) {
    await watcher.once();
    after.push(reloads);
  }
  return after;
}

describe('ChangeWatcher', () => {
  it('reloads once when a change has stood still for one look', async () => {
    await expect(reloadsOver('a', 'b', 'b', 'b')).resolves.toEqual([0, 0, 1, 1]);
  });

  it('waits while files are still being written', async () => {
    await expect(reloadsOver('b', 'c', 'd', 'd')).resolves.toEqual([0, 0, 0, 1]);
  });

  it('reloads again when there was another change during a reload', async () => {
    await expect(reloadsOver('b', 'b', 'c', 'c', 'c')).resolves.toEqual([0, 1, 1, 2, 2]);
  });

  it('forgets a change that was taken back', async () => {
    await expect(reloadsOver('b', 'a', 'a')).resolves.toEqual([0, 0, 0]);
  });
});
