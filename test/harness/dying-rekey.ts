import { watchFiles } from './watched-files.js';

// Gives a secret store another key and is killed before its n-th operation that changes a file. `node dying-rekey.js FILE IDENTITY STEP [KEEP]`.

const [, , file = '', identity = '', step = '0', keepOldIn] = process.argv;
/** Not yet: reading modules is no step. */
let left = Infinity;

const CHANGING: ReadonlySet<string> = new Set(['open', 'rename', 'link', 'rm', 'mkdir']);

watchFiles(async (operation) => {
  if (CHANGING.has(operation)) left -= 1;
  else return;
  if (left === 0) process.kill(process.pid, 'SIGKILL');
});
// Only now: what is imported before the files are watched would hold the real functions.
const { SecretStore } = await import('#writ/secrets');
await import('age-encryption');
left = Number(step);
await new SecretStore({ file, identity }).rekey(new Date(), keepOldIn);
