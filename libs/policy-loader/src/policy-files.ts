import { createHash } from 'node:crypto';
import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault, messageOf } from '#writ/faults';
import { policyFault, type PolicyProblem, type PolicySetName } from '#writ/policy';
import { readRegularFile } from './read-regular-file.js';

/** A policy file: which set it belongs to, its name as it is shown (`policies/mail.cedar`), and its bytes. */
export interface PolicyFile {
  readonly set: PolicySetName;
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Beside the policies: the manifest that publishes them. */
export const MANIFEST_FILE = 'manifest.json';

/** The files that can be read, and a problem for each that cannot. */
export interface ReadFiles {
  readonly files: readonly PolicyFile[];
  readonly problems: readonly PolicyProblem[];
}

const FILES_MAX = 10_000;
const FILE_BYTES_MAX = 4 * 1024 * 1024;

/**
 * Reads every `*.cedar` file below the folder, sorted by name; names start with that of the set. A file that is there and cannot be read is a problem, never
 * left out: it may hold a forbid. Throws CONFIG_NOT_FOUND when there is no such folder.
 */
export async function readPolicyFiles(directory: string, set: PolicySetName): Promise<ReadFiles> {
  const files: PolicyFile[] = [];
  const problems: PolicyProblem[] = [];
  for (const { name, path } of await listPolicyFiles(directory, set)) {
    const bytes = await readPolicyFile(path);
    if (typeof bytes === 'string') problems.push(fileProblem(name, bytes));
    else files.push({ set, name, bytes });
  }
  return { files, problems };
}

/** Names the content of the files. */
export function contentHash(files: readonly PolicyFile[]): string {
  const hash = createHash('sha256');
  for (const part of files.flatMap(({ name, bytes }) => [name, bytes])) {
    // The length comes first, so that no two lists of parts read the same.
    hash.update(`${Buffer.byteLength(part)}\n`).update(part);
  }
  return hash.digest('hex');
}

/** A problem with a file as a whole, which has no line to show. */
function fileProblem(file: string, message: string): PolicyProblem {
  return { code: 'POLICY_PARSE', rule: 'unreadable-file', file, line: 1, col: 1, message };
}

/** A file, or a link, that is read as policies. */
export interface ListedFile {
  /** As it is shown: `policies/mail.cedar`. */
  readonly name: string;
  readonly path: string;
}

/** The bytes, or a sentence that says why there are none. */
async function readPolicyFile(path: string): Promise<Uint8Array | string> {
  try {
    return await readRegularFile(path, FILE_BYTES_MAX);
  } catch (error) {
    const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : messageOf(error);
    return code === 'ELOOP' ? 'the link leads back to itself' : `the file cannot be read: ${String(code)}`;
  }
}

/**
 * Every file that `readPolicyFiles` reads, and every link that it follows or refuses, sorted by name. Throws CONFIG_NOT_FOUND when
 * there is no such folder, POLICY_PARSE when there are too many.
 */
export async function listPolicyFiles(directory: string, set: PolicySetName): Promise<readonly ListedFile[]> {
  const files: ListedFile[] = [];
  const open = [''];
  for (let folder = open.pop(); folder !== undefined; folder = open.pop()) {
    for (const entry of await readFolder(directory, folder)) {
      // A mounted configuration map keeps its versions in folders that start with a dot, and links to the files.
      if (entry.name.startsWith('.')) continue;
      if (entry.isDirectory()) open.push(`${folder}${entry.name}/`);
      else if (await isMeantAsPolicies(entry, join(directory, folder, entry.name))) {
        files.push({ name: `${set}/${folder}${entry.name}`, path: join(directory, folder, entry.name) });
      }
    }
    if (files.length > FILES_MAX) throw policyFault([fileProblem(set, `more than ${FILES_MAX} policy files`)]);
  }
  return files.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** A file by its name, in whatever case; a link also when it leads to a folder, where there may be policies. */
async function isMeantAsPolicies(entry: Dirent, path: string): Promise<boolean> {
  if (/\.cedar$/i.test(entry.name)) return true;
  return entry.isSymbolicLink() && (await isFolder(path));
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}

async function readFolder(directory: string, folder: string) {
  try {
    return await readdir(join(directory, folder), { withFileTypes: true });
  } catch (cause) {
    throw new Fault('CONFIG_NOT_FOUND', `the policy folder \`${join(directory, folder)}\` cannot be read`, { cause });
  }
}
