import { cosign } from '#writ/signing';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TinyLog } from '../../../test/harness/tiny-log.js';
import { goldenWitness } from '../../../test/vectors/golden-notes.js';
import { CheckpointFolder } from './checkpoint-folder.js';

const HOUR = 3_600;
const NOW = 1_800_000_000;
const log = TinyLog.of();
let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'writ-heads-'));
  await mkdir(join(directory, 'checkpoints'));
});
afterEach(() => rm(directory, { recursive: true }));

/** A head whose file was written then, and that was cosigned then; in seconds. */
async function keep(size: number, writtenAt: number, cosignedAt?: number): Promise<void> {
  const note = log.note(size);
  const text = `${note.split('\n\n')[0]}\n`;
  const line = cosignedAt === undefined ? '' : `${cosign(text, goldenWitness, cosignedAt)}\n`;
  const path = join(directory, 'checkpoints', String(size));
  await writeFile(path, note + line);
  await utimes(path, writtenAt, writtenAt);
}

const thin = (at = NOW) => new CheckpointFolder(directory, () => at * 1_000).thin();
const left = async () => (await readdir(join(directory, 'checkpoints'))).toSorted();

describe('CheckpointFolder', () => {
  it('goes by the times of witnesses, so that a restored copy whose files are all of one time keeps one an hour', async () => {
    for (const [size, hoursAgo] of [
      [1, 50.9],
      [2, 50.5],
      [3, 49.5],
      [4, 48.5],
      [5, 2],
    ] as const)
      await keep(size, NOW - 2 * HOUR, Math.floor(NOW - hoursAgo * HOUR));
    await expect(thin()).resolves.toBe(1);
    expect(await left()).toEqual(['2', '3', '4', '5']);
  });

  it('keeps of an hour what was cosigned, and of an hour without a witness the largest', async () => {
    await keep(1, NOW - 72 * HOUR, NOW - 72 * HOUR);
    await keep(2, NOW - 72 * HOUR + 1);
    await keep(3, NOW - 60 * HOUR);
    await keep(4, NOW - 60 * HOUR + 1);
    await keep(5, NOW);
    await thin();
    expect(await left()).toEqual(['1', '4', '5']);
  });

  it('keeps all of the last hour, files that are no head, and the newest', async () => {
    for (const size of [1, 2, 3]) await keep(size, NOW - 100 - size);
    await writeFile(join(directory, 'checkpoints', 'note.txt'), 'mine');
    await expect(thin()).resolves.toBe(0);
    await expect(thin(NOW + 90 * 24 * HOUR)).resolves.toBe(1);
    expect(await left()).toEqual(['2', '3', 'note.txt']);
  });

  it('does nothing where no checkpoint was ever shown', async () => {
    await rm(join(directory, 'checkpoints'), { recursive: true });
    await expect(thin()).resolves.toBe(0);
  });
});
