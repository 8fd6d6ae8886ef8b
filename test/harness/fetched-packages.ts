import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where `test/harness/fetch-collectors.sh` unpacks packages of Debian, as if the folder were the root of a machine. */
export const FETCHED_PACKAGES: string = join(
  process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'),
  'writ',
  'collectors',
);

/** The folders of shared libraries under that root, for LD_LIBRARY_PATH. */
export function libraryFoldersIn(root: string): readonly string[] {
  return ['usr/lib', 'lib'].flatMap((folder) => foldersIn(join(root, folder), /-linux-/));
}

/** The paths of what lies in the folder and is called so; none where there is no such folder. */
export function foldersIn(folder: string, name: RegExp): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((each) => name.test(each))
    .map((each) => join(folder, each));
}
