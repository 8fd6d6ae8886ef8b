import { opendir } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Paths of all files below a directory, in any order, with `/` between their parts and relative to it; folders are not among them, and a
 * link is one path and not followed. A folder that is removed meanwhile has none. Rejects when a folder cannot be read.
 */
export async function* filesBelow(directory: string): AsyncGenerator<string> {
  // Not `opendir` with `recursive`: Node 20 leaves out entries of folders with more than 32.
  const folders = [''];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const { name, isFolder } of await namesIn(join(directory, folder), folder === '')) {
      const path = folder === '' ? name : `${folder}/${name}`;
      if (isFolder) folders.push(path);
      else yield path;
    }
  }
}

async function namesIn(folder: string, isRoot: boolean): Promise<{ name: string; isFolder: boolean }[]> {
  const names: { name: string; isFolder: boolean }[] = [];
  try {
    for await (const item of await opendir(folder)) names.push({ name: item.name, isFolder: item.isDirectory() });
  } catch (error) {
    if (isRoot || (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return names;
}
