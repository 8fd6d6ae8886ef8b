import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { watchFiles } from './watched-files.js';

// A sealer that is paused before its n-th operation on a file, another one that takes over and seals everything, and the first one again,
// which wakes up. `node paused-sealer.js DIRECTORY FIRST EVERY`: for n = FIRST, FIRST + EVERY and so on, until a sealer comes to its end
// before. The directory has the messages in `stream`; `run` in it is left as the last one left it. Says on its output, a line of JSON each,
// what came of the one that woke up and which files it wrote and removed.

/** What stops one sealer, and not the other one in the same process. */
interface Pause {
  left: number;
  readonly reached: () => void;
  readonly over: Promise<void>;
}

const pauses = new AsyncLocalStorage<Pause>();
watchFiles(async () => {
  const pause = pauses.getStore();
  if (pause === undefined) return;
  pause.left -= 1;
  if (pause.left !== 0) return;
  pause.reached();
  await pause.over;
});
const { runFileSealer } = await import('./file-sealer.js');

const [, , directory = '', first = '1', every = '1'] = process.argv;
const run = join(directory, 'run');

for (let step = Number(first); await wokenAt(step); step += Number(every));

/** False when the sealer came to its end before that step. */
async function wokenAt(step: number): Promise<boolean> {
  rmSync(run, { recursive: true, force: true });
  mkdirSync(run);
  cpSync(join(directory, 'stream'), join(run, 'stream'));
  const options = { directory: run, atOnce: 30, atStep: () => undefined, onWarning: () => undefined };
  let wake = () => {};
  let reached = () => {};
  const isPaused = new Promise<boolean>((resolve) => (reached = () => resolve(true)));
  const over = new Promise<void>((resolve) => (wake = resolve));
  const old = pauses
    .run({ left: step, reached, over }, () => runFileSealer(options))
    .then(
      () => 'came to its end',
      (error: Error) => error.message,
    );
  if (!(await Promise.race([isPaused, old.then(() => false)]))) return false;
  await runFileSealer(options);
  const before = filesIn(run);
  wake();
  const outcome = await old;
  const after = filesIn(run);
  const written = [...after.keys()].filter((file) => before.get(file) !== after.get(file));
  const removed = [...before.keys()].filter((file) => !after.has(file));
  process.stdout.write(`${JSON.stringify({ step, outcome, written, removed })}\n`);
  return true;
}

/** Every file with its hash; what is begun and not finished is nobody's file yet. */
function filesIn(folder: string): ReadonlyMap<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((path) => !path.includes('/drafts/'));
  return new Map(paths.map((path) => [path, createHash('sha256').update(readFileSync(path)).digest('hex')]));
}
