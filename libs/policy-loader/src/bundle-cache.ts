import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PolicyBundle, type PolicyProblem } from '#writ/policy';

export interface LoadedBundle {
  readonly bundle: PolicyBundle;
  readonly warnings: readonly PolicyProblem[];
}

/**
 * The bundle that was made of the same content before. The folder must be as private as the keys: who can write there
 * decides. A damaged file is as good as none.
 */
export async function readCachedBundle(directory: string, name: string): Promise<LoadedBundle | undefined> {
  try {
    const text = await readFile(join(directory, `${name}.json`), 'utf8');
    const line = text.indexOf('\n');
    if (text.slice(0, line) !== digestOf(text.slice(line + 1))) return undefined;
    const { bundle, warnings } = JSON.parse(text.slice(line + 1)) as LoadedBundle;
    return { bundle: PolicyBundle.parse(bundle), warnings };
  } catch {
    return undefined;
  }
}

/** Keeps a bundle. That it cannot be kept is no failure: the next start takes longer. */
export async function writeCachedBundle(directory: string, name: string, loaded: LoadedBundle): Promise<void> {
  const body = JSON.stringify(loaded);
  const temporary = join(directory, `${name}.${randomUUID()}.tmp`);
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await writeFile(temporary, `${digestOf(body)}\n${body}`, { mode: 0o600 });
    // If the process dies here a stray temporary file is left, which nobody reads.
    await rename(temporary, join(directory, `${name}.json`));
  } catch {
    return;
  }
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
