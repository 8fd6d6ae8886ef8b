import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

const OPERATIONS = ['open', 'rename', 'link', 'rm', 'mkdir', 'readdir', 'readFile', 'stat'] as const;

/** Has each operation on files wait for `before`, in every module that is imported from now on. */
export function watchFiles(before: () => Promise<void>): void {
  for (const name of OPERATIONS) {
    const real = promises[name] as (...args: readonly unknown[]) => unknown;
    const watched = async (...args: readonly unknown[]) => {
      await before();
      return real(...args);
    };
    Object.assign(promises, { [name]: watched });
  }
  syncBuiltinESMExports();
}
