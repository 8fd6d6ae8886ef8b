import { TILE_WIDTH } from '../tile.js';
import { CHECKPOINTS_FOLDER, LOG_FILES, type Evidence } from './evidence.js';
import type { LogStart } from './log-start.js';

const TILE = /^tile\/(0|[1-9][0-9]?|entries)\/((?:x[0-9]{3}\/)*[0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/;
const BLOCKS = /^blocks\/(?:x[0-9]{3}\/)*[0-9]{3}\.jsonl$/;
const CHECKPOINT = new RegExp(`^${CHECKPOINTS_FOLDER}/(?:0|[1-9][0-9]{0,15})$`);
const NAMES: ReadonlySet<string> = new Set(Object.values(LOG_FILES));

/**
 * Looks at the files that were not needed: partial tiles and bundles of earlier sizes must be the beginning of what replaced them,
 * and whatever is no part of a log is named, because nothing in it is evidence.
 */
export async function checkLeftovers(evidence: Evidence, size: number, { leaf }: LogStart): Promise<void> {
  for await (const file of evidence.paths()) {
    if (NAMES.has(file) || CHECKPOINT.test(file) || BLOCKS.test(file)) continue;
    const [, level, number, width] = TILE.exec(file) ?? [];
    const isWidth = width === undefined || Number(width) < TILE_WIDTH;
    if (level === undefined || number === undefined || !isWidth) {
      evidence.problems.add('stray_file', `the file \`${file}\` is no part of a log`, { file });
      continue;
    }
    const index = Number(number.replaceAll(/[x/]/g, ''));
    // Bundles of the removed part that are still there are no part of the log any more.
    if (level === 'entries' && (index + 1) * TILE_WIDTH <= leaf) continue;
    const count = level === 'entries' ? size : Math.floor(size / TILE_WIDTH ** Number(level));
    const now = Math.min(TILE_WIDTH, count - index * TILE_WIDTH);
    // What lies beyond the newest head is not covered by any signature of the log: it is neither right nor wrong.
    if (Number(width ?? TILE_WIDTH) < now) await compareStart(evidence, file, `tile/${level}/${number}`, now);
  }
}

async function compareStart(evidence: Evidence, file: string, full: string, now: number): Promise<void> {
  const whole = await evidence.find(now === TILE_WIDTH ? full : `${full}.p/${now}`);
  const part = await evidence.find(file);
  const isStart = whole !== undefined && part !== undefined && whole.subarray(0, part.length).equals(part);
  if (!isStart || !isWholeNumber(file, part))
    evidence.problems.add('hash_tile', `the file \`${file}\` is not the beginning of what replaced it`, { file });
}

/** Whether a partial file has as many hashes or entries as its name says. */
function isWholeNumber(file: string, part: Buffer): boolean {
  const width = Number(file.slice(file.lastIndexOf('/') + 1));
  if (!file.startsWith('tile/entries/')) return part.length === width * 32;
  let count = 0;
  let at = 0;
  while (at + 2 <= part.length) {
    at += 2 + part.readUInt16BE(at);
    count++;
  }
  return at === part.length && count === width;
}
