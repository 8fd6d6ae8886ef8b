import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

const OPERATIONS = ['open', 'rename', 'link', 'rm', 'mkdir', 'readdir', 'readFile', 'stat'] as const;

/** Has each operation on files wait for `before`, which hears its name, in every module that is imported from now on. */
export function watchFiles(before: (operation: string) => Promise<void>): void {
  for (const name of OPERATIONS) {
    const real = promises[name] as (...args: readonly unknown[]) => unknown;
    const watched = async (...args: readonly unknown[]) => {
      await before(name);
      return real(...args);
    };
    Object.assign(promises, { [name]: watched });
  }
  syncBuiltinESMExports();
}
