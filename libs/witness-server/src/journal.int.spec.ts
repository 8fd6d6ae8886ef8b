import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { appendJournal, beginJournal, readJournal } from './journal.js';

const ROOT = 'A'.repeat(43);

describe('the journal of a witness', () => {
  let scratch: string;
  let file: string;
  beforeEach(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'writ-journal-'));
    file = join(scratch, 'journal');
    await beginJournal(file);
  });
  afterEach(() => rm(scratch, { recursive: true, force: true }));

  it('of 16 MiB is put aside, and goes on with its next line', async () => {
    const lines = Array.from({ length: 320_000 }, (_, index) => `${index + 1} ${ROOT} 1800000000\n`).join('');
    await writeFile(file, (await readFile(file, 'utf8')) + lines);
    const before = await stat(file);
    const next = { size: 320_001, root: ROOT, time: 1_800_000_001 };
    await appendJournal(file, next);
    expect((await stat(file)).size).toBeLessThan(200);
    expect((await stat(`${file}.1`)).size).toBe(before.size);
    expect(await readJournal(file)).toEqual(next);
    await appendJournal(file, { ...next, size: 320_002 });
    expect(await readJournal(file)).toEqual({ ...next, size: 320_002 });
  });

  it('that is gone is not begun again by the next line', async () => {
    await rm(file);
    await expect(appendJournal(file, { size: 1, root: ROOT, time: 1 })).rejects.toThrow(
      expect.objectContaining({ code: 'CONFIG_DATA_DIR' }),
    );
  });

  it.each([
    ['sizes that shrink', `2 ${ROOT} 5\n1 ${ROOT} 6\n`],
    ['a size twice', `2 ${ROOT} 5\n2 ${ROOT} 6\n`],
    ['a short root', `2 ${ROOT.slice(1)} 5\n`],
    ['no time', `2 ${ROOT} 0\n`],
    ['an empty line', `2 ${ROOT} 5\n\n`],
    ['a size that a double does not carry', `9007199254740993 ${ROOT} 5\n`],
  ])('with %s is damaged', async (_case, lines) => {
    await writeFile(file, (await readFile(file, 'utf8')) + lines);
    await expect(readJournal(file)).rejects.toThrow(expect.objectContaining({ code: 'CONFIG_DATA_DIR_CORRUPT' }));
  });
});
