import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { FETCHED_PACKAGES } from './fetched-packages.js';

/** A PATH that has bubblewrap, fetched or installed; undefined when neither is there. */
export function pathWithBubblewrap(): string | undefined {
  const path = [join(FETCHED_PACKAGES, 'usr', 'bin'), ...(process.env['PATH'] ?? '').split(delimiter)];
  return path.some((directory) => existsSync(join(directory, 'bwrap'))) ? path.join(delimiter) : undefined;
}
