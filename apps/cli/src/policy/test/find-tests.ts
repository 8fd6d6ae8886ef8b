import { Fault } from '#writ/faults';
import { parseTestFile, type PolicyTest } from '#writ/policy-testing';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';

const SUFFIX = '.test.yaml';

/**
 * The tests of the files, and of every `*.test.yaml` below the folders, in order of their names. Throws CONFIG_NOT_FOUND when a path
 * is not there or fewer files than asked for are tests, CONFIG_INVALID when a file is not one.
 */
export async function findTests(paths: readonly string[], filesMin = 1): Promise<readonly PolicyTest[]> {
  const files = new Set((await Promise.all(paths.map(filesAt))).flat());
  if (files.size < filesMin) {
    throw new Fault(
      'CONFIG_NOT_FOUND',
      `no test was found: no file \`*${SUFFIX}\` is in ${paths.map(quoted).join(', ')}`,
    );
  }
  const tests = await Promise.all(
    [...files].toSorted().map(async (file) => parseTestFile(await readFile(file, 'utf8'), shown(file), process.env)),
  );
  return tests.flat();
}

async function filesAt(path: string): Promise<readonly string[]> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new Fault('CONFIG_NOT_FOUND', `${quoted(path)} cannot be read`, { cause });
  });
  if (!found.isDirectory()) return [path];
  const names = await readdir(path, { recursive: true });
  return names.filter((name) => name.endsWith(SUFFIX)).map((name) => join(path, name));
}

/** From where the command was started, so that a terminal can open it. */
function shown(file: string): string {
  const path = relative(process.cwd(), file);
  return path.startsWith('..') ? file : path;
}

function quoted(path: string): string {
  return `\`${shown(path) || '.'}\``;
}
