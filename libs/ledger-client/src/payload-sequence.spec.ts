import { PayloadSequence } from './payload-sequence.js';
import type { PayloadLog } from './ports.js';

const message = (block: string) => Buffer.from(`{"v":1,"block":"${block}","groups":[]}\n`);

/** A log whose messages are about those blocks; `reads` counts what was read of it. */
function logOf(...blocks: readonly string[]) {
  const reads: string[] = [];
  const log = {
    async *since() {
      for (const block of blocks) {
        reads.push(block);
        yield message(block);
      }
    },
  } as unknown as PayloadLog;
  return { sequence: new PayloadSequence(log, 'pdp-0', 0), reads };
}

describe('PayloadSequence', () => {
  it('reads each message once, and no further than it is asked', async () => {
    const { sequence, reads } = logOf('a', 'b', 'c');
    await expect(sequence.of('a')).resolves.toEqual(message('a'));
    await expect(sequence.of('b')).resolves.toEqual(message('b'));
    expect(reads).toEqual(['a', 'b']);
  });

  it('passes over values of a block that was never stored', async () => {
    const { sequence } = logOf('a', 'orphan', 'b');
    await sequence.of('a');
    await expect(sequence.of('b')).resolves.toEqual(message('b'));
  });

  it('has none for a block whose values are gone, and goes on', async () => {
    const { sequence } = logOf('c', 'd');
    await expect(sequence.of('a')).resolves.toBeUndefined();
    await expect(sequence.of('b')).resolves.toBeUndefined();
    await expect(sequence.of('c')).resolves.toEqual(message('c'));
    await expect(sequence.of('d')).resolves.toEqual(message('d'));
  });

  it('reads a bounded number ahead while the values of blocks are gone', async () => {
    const { sequence, reads } = logOf(...Array.from({ length: 1_000 }, (_, i) => `later-${i}`));
    for (let i = 0; i < 500; i++) await sequence.of(`gone-${i}`);
    expect(reads.length).toBeLessThan(100);
    await expect(sequence.of('later-0')).resolves.toEqual(message('later-0'));
  });
});
