import { constants, existsSync } from 'node:fs';
import { cp, mkdir, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, sep } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { vector } from '@electric-sql/pglite-pgvector';

/** What opens a cluster; PGlite needs the same extensions every time. */
export const PGLITE_EXTENSIONS = { vector } as const;

/**
 * The cache of the project for a freshly made cluster, or undefined when this is not run from a project. Making a cluster
 * takes seconds and always gives the same; copying one takes a tenth of a second.
 */
export function defaultTemplate(): string | undefined {
  const require = createRequire(import.meta.url);
  const entry = require.resolve('@electric-sql/pglite');
  const at = entry.lastIndexOf(`${sep}node_modules${sep}`);
  if (at < 0) return undefined;
  const { version } = require(join(dirname(entry), '..', 'package.json')) as { version: string };
  return join(entry.slice(0, at), 'node_modules', '.cache', 'writ', `pglite-${version}`);
}

/** Makes the template if there is none. Safe to run from several processes at once. */
export async function ensureTemplate(template: string): Promise<void> {
  if (existsSync(template)) return;
  await mkdir(dirname(template), { recursive: true });
  const made = `${template}.${process.pid}`;
  try {
    await makeFromNothing(made);
    // Whoever was first has made the same: theirs stays, and renaming over it fails.
    await rename(made, template);
  } catch (error) {
    await rm(made, { recursive: true, force: true });
    if (!existsSync(template)) throw error;
  }
}

/** Makes an empty cluster with pgvector in a new directory, which appears whole or not at all. */
export async function makeCluster(directory: string, template: string | undefined): Promise<void> {
  const made = `${directory}.making`;
  await rm(made, { recursive: true, force: true });
  if (template !== undefined && existsSync(template)) {
    await cp(template, made, { recursive: true, mode: constants.COPYFILE_FICLONE });
  } else {
    await makeFromNothing(made);
  }
  // If the process dies before this line, the next start makes the cluster again; after it, the cluster is complete.
  await rename(made, directory);
}

async function makeFromNothing(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true });
  const cluster = await PGlite.create({ dataDir: directory, extensions: PGLITE_EXTENSIONS });
  await cluster.exec('create extension if not exists vector');
  await cluster.close();
}
