import { Fault } from '#writ/faults';
import { bundlePath, openBundle, type ReadLogFile, TILE_WIDTH, tileOf } from './tile.js';

/**
 * The exact texts of the leaves `[from, to)` of a log of `size` leaves, from its bundles. Throws LEDGER_CORRUPT when a bundle does
 * not have its entries, and what `readFile` throws.
 */
export async function readLeaves(
  { from, to, size }: { readonly from: number; readonly to: number; readonly size: number },
  readFile: ReadLogFile,
): Promise<readonly string[]> {
  const texts: string[] = [];
  for (let at = from; at < to;) {
    const { index, width } = tileOf(size, 0, at);
    const path = bundlePath(index, width);
    const opened = openBundle(await readFile(path), width);
    if (opened === undefined) throw new Fault('LEDGER_CORRUPT', `the bundle \`${path}\` has not ${width} entries`);
    const start = index * TILE_WIDTH;
    const end = Math.min(to, start + width);
    texts.push(...opened.entries.slice(at - start, end - start).map((entry) => entry.toString('utf8')));
    at = end;
  }
  return texts;
}
