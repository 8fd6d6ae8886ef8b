import { appendFileSync, readFileSync } from 'node:fs';
import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { SealedMessage } from '#writ/contracts';
import { Integrator } from '#writ/tlog';
import type { SealerState } from '../../apps/ledger/src/sealer.js';
import { makeDeployment } from './ledger-builder.js';

// A sealer over real files that is killed at its n-th step: before each operation on a file, each answer of a witness and each
// message of the feed. `node dying-sealer.js DIRECTORY STEP`: the directory has the messages in `stream`, a subject and base64 a line.

const MESSAGES_AT_ONCE = 3;
const OPERATIONS = ['open', 'rename', 'link', 'rm', 'mkdir', 'readdir', 'readFile'] as const;

const [, , directory = '', step = '0'] = process.argv;
let left = Number(step);

function atStep(): void {
  left -= 1;
  if (left === 0) process.kill(process.pid, 'SIGKILL');
}

function dieInFiles(): void {
  for (const name of OPERATIONS) {
    const real = promises[name] as (...args: readonly unknown[]) => unknown;
    Object.assign(promises, {
      [name]: (...args: readonly unknown[]) => {
        atStep();
        return real(...args);
      },
    });
  }
  syncBuiltinESMExports();
}

function linesOf(file: string): readonly string[] {
  try {
    return readFileSync(join(directory, file), 'utf8').trimEnd().split('\n');
  } catch {
    return [];
  }
}

/** What the feed has handed on: its last message, and the leaf that comes next. */
function fed(): { readonly seq: number; readonly next: number } {
  const lines = linesOf('sealed');
  const last = lines.at(-1);
  if (last === undefined) return { seq: 0, next: 0 };
  const { first, entries } = SealedMessage.parse(JSON.parse(last));
  return { seq: lines.length, next: first + entries.length };
}

async function run(): Promise<void> {
  dieInFiles();
  // Only now: what is imported before the files are watched would hold the real functions.
  const { Sealer } = await import('../../apps/ledger/src/sealer.js');
  const { SealedFeed } = await import('../../apps/ledger/src/sealed-feed.js');
  const { LogDirectory } = await import('../../apps/ledger/src/log-directory.js');
  const { StateStore } = await import('../../apps/ledger/src/state-store.js');
  const deployment = makeDeployment();
  const messages = linesOf('stream').map((line, index) => {
    const [subject = '', data = ''] = line.split(' ');
    return { seq: index + 1, subject, data: Buffer.from(data, 'base64') };
  });
  const store = new LogDirectory(join(directory, 'ledger'));
  const states = new StateStore<SealerState>(join(directory, 'sealer'));
  const feed = new SealedFeed({
    logName: deployment.ledger,
    end: () => Promise.resolve(fed()),
    publish: (message, _id, after) => {
      atStep();
      appendFileSync(join(directory, 'sealed'), `${JSON.stringify(message)}\n`);
      atStep();
      return Promise.resolve(after + 1);
    },
    leaves: (from, to, size) => store.leaves(from, to, size),
    log: { warn: (fields) => process.stderr.write(`${JSON.stringify(fields)}\n`) },
    sleep: () => Promise.resolve(),
  });
  await store.tidy();
  await states.tidy();
  const stored = await states.load();
  let nowMs = 0;
  const sealer = new Sealer(
    {
      store,
      states,
      origin: deployment.ledger,
      signers: () => [deployment.logKey],
      authority: () => deployment.authority,
      cosign: (note, { size, root }) => {
        atStep();
        appendFileSync(join(directory, 'witnessed'), `${size} ${root}\n`);
        atStep();
        return Promise.resolve(note);
      },
      late: () => undefined,
      feed: (head) => feed.offer(head),
      digest: ({ seq }) => String(seq),
      onIntegrated: () => undefined,
      elapsed: () => (nowMs += 1_000),
    },
    new Integrator(deployment.authority, stored?.value.log),
    stored,
  );
  await sealer.recover();
  while (sealer.position <= messages.length) {
    const at = sealer.position - 1;
    await sealer.take(messages.slice(at, at + MESSAGES_AT_ONCE));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await sealer.close();
  while (fed().next < sealer.head.size) await new Promise((resolve) => setImmediate(resolve));
}

await run();
