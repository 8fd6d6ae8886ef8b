import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { untilSealed } from './sealed-log.js';

const LINES = '{"count":2,"first":0,"seq":1}\n{"count":3,"first":2,"seq":4}\n';
const WANTED = { lastSeq: 4, witness: 'witness.example/w1' };
const checkpoint = (size: number, ...names: readonly string[]): string =>
  `log.example/x\n${size}\nAAAA\n\n${['log.example/x', ...names].map((name) => `\u2014 ${name} BBBB\n`).join('')}`;

describe('untilSealed', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'writ-sealed-'));
    await mkdir(join(folder, 'blocks'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('resolves once the message is under a checkpoint that the witness cosigned, and not before', async () => {
    let sealed: number | undefined;
    const waiting = untilSealed(folder, WANTED).then((size) => (sealed = size));
    await writeFile(join(folder, 'blocks', '000.jsonl'), LINES);
    await writeFile(join(folder, 'checkpoint'), checkpoint(2, 'witness.example/w1'));
    await expect(untilSealed(folder, { ...WANTED, lastSeq: 1 })).resolves.toBe(2);
    await writeFile(join(folder, 'checkpoint'), checkpoint(5));
    await expect(untilSealed(folder, WANTED, 0)).rejects.toThrow(/message 4 was cosigned by `witness.example\/w1`/);
    expect(sealed).toBeUndefined();
    await writeFile(join(folder, 'checkpoint'), checkpoint(5, 'witness.example/w1'));
    await expect(waiting).resolves.toBe(5);
  });

  it('gives up in time on a log that is not there', async () => {
    await expect(untilSealed(join(folder, 'none'), WANTED, 0)).rejects.toThrow('no checkpoint over message 4');
  });
});
