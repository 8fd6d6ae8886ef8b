import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault } from '#writ/faults';
import type { PolicySetName } from '#writ/policy';

/** A policy file: which set it belongs to, its name as it is shown (`policies/mail.cedar`), and its bytes. */
export interface PolicyFile {
  readonly set: PolicySetName;
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Beside the policies: the manifest that publishes them. */
export const MANIFEST_FILE = 'manifest.json';

const FILES_MAX = 10_000;
const FILE_BYTES_MAX = 4 * 1024 * 1024;

/**
 * Reads every `*.cedar` file below the folder, sorted by name. Names start with that of the set, wherever the folder is. Throws
 * CONFIG_NOT_FOUND when there is no such folder.
 */
export async function readPolicyFiles(directory: string, set: PolicySetName): Promise<readonly PolicyFile[]> {
  const files: PolicyFile[] = [];
  for (const { name, path, bytes } of await listPolicyFiles(directory, set)) {
    if (bytes > FILE_BYTES_MAX) {
      throw new Fault('POLICY_LINT', `${name}:1:1: the file has ${bytes} bytes; the limit is ${FILE_BYTES_MAX}`);
    }
    files.push({ set, name, bytes: await readFile(path) });
  }
  return files;
}

/** Names the content of the files, of the schema and of whatever else decides what a bundle is. */
export function contentHash(files: readonly PolicyFile[], ...others: readonly string[]): string {
  const hash = createHash('sha256');
  for (const part of [...others, ...files.flatMap(({ name, bytes }) => [name, bytes])]) {
    // The length comes first, so that no two lists of parts read the same.
    hash.update(`${Buffer.byteLength(part)}\n`).update(part);
  }
  return hash.digest('hex');
}

interface ListedFile {
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
}

async function listPolicyFiles(directory: string, set: PolicySetName): Promise<readonly ListedFile[]> {
  const files: ListedFile[] = [];
  const open = [''];
  for (let folder = open.pop(); folder !== undefined; folder = open.pop()) {
    for (const entry of await readFolder(directory, folder)) {
      const path = join(directory, folder, entry.name);
      // A mounted configuration map keeps its versions in folders that start with a dot, and links to the files.
      if (entry.name.startsWith('.')) continue;
      if (entry.isDirectory()) open.push(`${folder}${entry.name}/`);
      else if (entry.name.endsWith('.cedar')) {
        const { size } = await stat(path);
        const name = `${set}/${folder}${entry.name}`;
        files.push({ name, path, bytes: size });
      }
    }
    if (files.length > FILES_MAX) throw new Fault('POLICY_LINT', `more than ${FILES_MAX} policy files`);
  }
  return files.sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function readFolder(directory: string, folder: string) {
  try {
    return await readdir(join(directory, folder), { withFileTypes: true });
  } catch (cause) {
    throw new Fault('CONFIG_NOT_FOUND', `the policy folder \`${join(directory, folder)}\` cannot be read`, { cause });
  }
}
