import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';

/** What is read here of a line of the block index. */
const Line = z.object({ seq: z.int(), first: z.int(), count: z.int() });

const SEALED_WITHIN_MS = 15_000;
const POLL_MS = 50;

interface Wanted {
  /** Stream sequence of the last message that must be under the checkpoint. */
  readonly lastSeq: number;
  /** Who must have cosigned it. */
  readonly witness: string;
}

/** Waits until the newest checkpoint in a log directory covers that message and the witness has cosigned it. Returns its size. */
export async function untilSealed(folder: string, wanted: Wanted, withinMs = SEALED_WITHIN_MS): Promise<number> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const size = await sealedSize(folder, wanted);
    if (size !== undefined) return size;
    if (Date.now() > deadline) {
      throw new Error(`no checkpoint over message ${wanted.lastSeq} was cosigned by \`${wanted.witness}\` in time`);
    }
    await sleep(POLL_MS);
  }
}

async function sealedSize(folder: string, { lastSeq, witness }: Wanted): Promise<number | undefined> {
  const end = await endOf(folder, lastSeq);
  const note = await readFile(join(folder, 'checkpoint'), 'utf8').catch(() => '');
  const size = Number(note.split('\n')[1] ?? 0);
  const isCosigned = note.includes(`\n\u2014 ${witness} `);
  return end !== undefined && size >= end && isCosigned ? size : undefined;
}

/** Leaves up to the end of that message; undefined when the block index does not have it yet. */
async function endOf(folder: string, lastSeq: number): Promise<number | undefined> {
  const names = (await readdir(join(folder, 'blocks')).catch(() => [])).filter((name) => name.endsWith('.jsonl'));
  const newest = names.toSorted().at(-1);
  const text = newest === undefined ? '' : await readFile(join(folder, 'blocks', newest), 'utf8');
  const lines = text.split('\n').filter((line) => line !== '');
  const last = lines.map((line) => Line.parse(JSON.parse(line))).find(({ seq }) => seq >= lastSeq);
  return last === undefined ? undefined : last.first + last.count;
}
