import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the package: the nearest one above this file with a package.json, from the sources and from dist alike. */
export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error('no package.json stands above this file');
    folder = parent;
  }
  return folder;
}

/** The folder of this example. */
export function exampleFolder(): string {
  return join(packageRoot(), 'examples', 'crm-and-slack');
}
