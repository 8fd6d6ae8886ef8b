import { openBundle, bundlePath, TILE_WIDTH } from '../tile.js';
import type { Evidence } from './evidence.js';

/** Leaves of the log in order: their bytes and hashes. */
export interface Leaves {
  readonly entries: readonly Buffer[];
  readonly hashes: readonly Buffer[];
}

/** Reads the entry bundles of a log one after the other, and holds one of them. */
export class LeafReader {
  #entries: readonly Buffer[] = [];
  #hashes: readonly Buffer[] = [];
  #at = 0;
  #index: number;
  #isAtEnd = false;

  /** `size`: the leaves that the newest head names. It begins with the bundle that leaf `from` is in, at its first entry. */
  constructor(
    private readonly evidence: Evidence,
    private readonly size: number,
    from = 0,
  ) {
    this.#index = Math.floor(from / TILE_WIDTH);
  }

  /** The next leaves, at most `count`; fewer at the end of what is there. */
  async take(count: number): Promise<Leaves> {
    const entries: Buffer[] = [];
    const hashes: Buffer[] = [];
    while (entries.length < count && (this.#at < this.#entries.length || (await this.#openNext()))) {
      const end = this.#at + count - entries.length;
      entries.push(...this.#entries.slice(this.#at, end));
      hashes.push(...this.#hashes.slice(this.#at, end));
      this.#at = Math.min(end, this.#entries.length);
    }
    return { entries, hashes };
  }

  async #openNext(): Promise<boolean> {
    const index = this.#index++;
    const wanted = Math.min(TILE_WIDTH, this.size - index * TILE_WIDTH);
    const found = this.#isAtEnd || wanted < 1 ? undefined : await this.#find(index, wanted);
    this.#isAtEnd = found === undefined || found.width < TILE_WIDTH;
    if (found === undefined) return false;
    const leaves = openBundle(found.bundle, found.width);
    if (leaves === undefined) {
      const file = bundlePath(index, found.width);
      this.evidence.problems.add('bad_file', `the file \`${file}\` is not a bundle of ${found.width} entries`, {
        file,
      });
      this.#isAtEnd = true;
    }
    [this.#entries, this.#hashes, this.#at] = [leaves?.entries ?? [], leaves?.hashes ?? [], 0];
    return leaves !== undefined;
  }

  /** The bundle with as many entries as wanted, or with fewer when the end of the log is missing. */
  async #find(index: number, wanted: number): Promise<{ bundle: Buffer; width: number } | undefined> {
    const whole = await this.evidence.find(bundlePath(index, wanted));
    if (whole !== undefined) return { bundle: whole, width: wanted };
    const names = await this.evidence.list(`${bundlePath(index, TILE_WIDTH)}.p`);
    const widths = names.map(Number).filter((each) => Number.isInteger(each) && each >= 1 && each < wanted);
    const width = Math.max(0, ...widths);
    const bundle = width === 0 ? undefined : await this.evidence.find(bundlePath(index, width));
    return bundle === undefined ? undefined : { bundle, width };
  }
}
