import { messageOf } from '#writ/faults';
import type { PolicySetName } from '#writ/policy';
import { listPolicyFiles } from '#writ/policy-loader';
import { stat } from 'node:fs/promises';

/** The folder of each set that there is. */
export type PolicyFolders = Readonly<Partial<Record<PolicySetName, string>>>;

/**
 * Names, sizes and times of everything that the rules are made from: another text, another fingerprint. It looks at the files that
 * the loader reads, and at no others.
 */
export async function policyFingerprint(folders: PolicyFolders, otherFiles: readonly string[]): Promise<string> {
  const listed: string[] = [];
  for (const [set, directory] of Object.entries(folders) as [PolicySetName, string][]) {
    listed.push(...(await pathsIn(directory, set)));
  }
  return (await Promise.all([...listed, ...otherFiles].map(lookAt))).join('\n');
}

async function pathsIn(directory: string, set: PolicySetName): Promise<readonly string[]> {
  try {
    return (await listPolicyFiles(directory, set)).map(({ path }) => path);
  } catch (error) {
    // Too many files, or no folder, are a change like any other: the loader refuses it, and that is on record.
    return [messageOf(error)];
  }
}

/**
 * A link is looked at where it leads; what is not there has a fingerprint too. The time of the last change of the inode counts too:
 * who writes a file can set the time of its text back.
 */
async function lookAt(file: string): Promise<string> {
  const found = await stat(file).catch(() => undefined);
  return `${file} ${found?.size} ${found?.mtimeMs} ${found?.ctimeMs} ${found?.ino}`;
}
