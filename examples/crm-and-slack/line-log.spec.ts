import { LineLog } from './line-log.js';

const even = (line: unknown): number | undefined => (typeof line === 'number' && line % 2 === 0 ? line : undefined);

describe('LineLog', () => {
  it('finds a line that came before somebody waited', async () => {
    const log = new LineLog();
    for (const line of [1, 2, 4]) log.append(line);
    await expect(log.first(even, 1000)).resolves.toBe(2);
  });

  it('finds a line that comes later', async () => {
    const log = new LineLog();
    const found = log.first(even, 1000);
    log.append(1);
    log.append(6);
    await expect(found).resolves.toBe(6);
  });

  it('tells whoever waits why no more lines come', async () => {
    const log = new LineLog();
    const found = log.first(even, 1000);
    log.end('the process ended with 1');
    await expect(found).rejects.toThrow('the process ended with 1');
    await expect(log.first(even, 1000)).rejects.toThrow('the process ended with 1');
  });

  it('gives up after the time it was given', async () => {
    await expect(new LineLog().first(even, 1)).rejects.toThrow('nothing of the kind within 1 ms');
  });

  it('fails when the selection fails', async () => {
    const log = new LineLog();
    log.append('x');
    await expect(log.first(() => JSON.parse('{') as number, 1000)).rejects.toThrow(SyntaxError);
  });
});
