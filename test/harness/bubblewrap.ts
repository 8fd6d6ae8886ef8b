import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/** `test/harness/fetch-collectors.sh` puts it there. */
const FETCHED = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'writ', 'collectors', 'usr', 'bin');

/** A PATH that has bubblewrap, fetched or installed; undefined when neither is there. */
export function pathWithBubblewrap(): string | undefined {
  const path = [FETCHED, ...(process.env['PATH'] ?? '').split(delimiter)];
  return path.some((directory) => existsSync(join(directory, 'bwrap'))) ? path.join(delimiter) : undefined;
}
