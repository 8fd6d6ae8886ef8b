import { Fault } from '#writ/faults';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { PACKAGE_ROOT } from '../package-root.js';

// The template is a working configuration of a deployment by this name.
const TEMPLATE_DEPLOYMENT = 'my-deployment';
// Templates are not compiled, so they stand in the package and not beside this file in dist.
const TEMPLATE = join(PACKAGE_ROOT, 'apps', 'cli', 'templates', 'init');

/**
 * Writes a working example configuration into a directory, which is made when it does not exist, and returns the paths of the
 * files relative to it. Throws CONFIG_DATA_DIR, and writes nothing, when there is something in the directory already.
 */
export async function initDirectory(directory: string): Promise<readonly string[]> {
  const target = resolve(directory);
  await makeEmpty(target);
  const written: string[] = [];
  for (const source of await filesBelow(TEMPLATE)) {
    const path = relative(TEMPLATE, source).replace(/^gitignore$/, '.gitignore');
    const text = await readFile(source, 'utf8');
    await mkdir(dirname(join(target, path)), { recursive: true });
    // `wx`: a file that appeared meanwhile is somebody else's.
    await writeFile(join(target, path), text.replaceAll(TEMPLATE_DEPLOYMENT, deploymentName(target)), { flag: 'wx' });
    written.push(path);
  }
  return written.toSorted();
}

/** The directory's name as the first part of a ledger name, which takes letters, digits, dots and dashes. */
export function deploymentName(directory: string): string {
  const name = basename(directory)
    .replaceAll(/[^A-Za-z0-9.-]+/g, '-')
    .replaceAll(/^[-.]+|[-.]+$/g, '');
  return name === '' ? TEMPLATE_DEPLOYMENT : name;
}

async function makeEmpty(directory: string): Promise<void> {
  const fault = (problem: string, cause?: unknown): Fault =>
    new Fault('CONFIG_DATA_DIR', `\`${directory}\` ${problem}`, { cause });
  const names = await mkdir(directory, { recursive: true })
    .then(() => readdir(directory))
    .catch((cause: unknown) => {
      throw fault('cannot be made a directory', cause);
    });
  if (names.length > 0) throw fault('is not empty; `writ init` writes into an empty directory alone');
}

async function filesBelow(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}
