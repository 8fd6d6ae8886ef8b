import { watchFiles } from './watched-files.js';

// A sealer over real files that is killed at its n-th step: before each operation on a file, each answer of a witness and each
// message of the feed. `node dying-sealer.js DIRECTORY STEP`.

const [, , directory = '', step = '0'] = process.argv;
let left = Number(step);

function atStep(): void {
  left -= 1;
  if (left === 0) process.kill(process.pid, 'SIGKILL');
}

watchFiles(() => Promise.resolve(atStep()));
// Only now: what is imported before the files are watched would hold the real functions.
const { runFileSealer } = await import('./file-sealer.js');
await runFileSealer({
  directory,
  atOnce: 3,
  atStep,
  onWarning: (fields) => process.stderr.write(`${JSON.stringify(fields)}\n`),
});
