import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SealedMessage } from '#writ/contracts';
import { Fault } from '#writ/faults';
import { Integrator, type LedgerMessage } from '#writ/tlog';
import { LogDirectory } from '../../apps/ledger/src/log-directory.js';
import { SealedFeed } from '../../apps/ledger/src/sealed-feed.js';
import { Sealer, type SealerState } from '../../apps/ledger/src/sealer.js';
import { Sealing } from '../../apps/ledger/src/sealing.js';
import { StateStore } from '../../apps/ledger/src/state-store.js';
import { Tick } from '../../apps/ledger/src/tick.js';
import { makeDeployment } from './ledger-builder.js';

export interface FileSealerOptions {
  /** Has `ledger` and `sealer`; the messages are in `stream`, a subject and base64 a line. `witnessed` and `sealed` are written. */
  readonly directory: string;
  /** How many messages the sealer takes at once, and seals then. */
  readonly atOnce: number;
  /** Called before and after each answer of a witness and each message of the feed. */
  readonly atStep: () => void;
  /** Told of what the feed warns of. */
  readonly onWarning: (fields: Record<string, unknown>) => void;
}

/** Takes over the log in the directory, as the service does, and seals its stream to the end. */
export async function runFileSealer(options: FileSealerOptions): Promise<void> {
  const { directory, atOnce } = options;
  const messages = messagesIn(directory);
  const sealing = sealingOver(options);
  await sealing.begin();
  while (sealing.refusal === undefined && sealing.position <= messages.length) {
    const at = sealing.position - 1;
    await sealing.take(messages.slice(at, at + atOnce)).catch(again);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await sealing.close();
  if (sealing.refusal !== undefined) throw new Error(sealing.refusal);
  const size = sealing.head?.size ?? 0;
  while (fedIn(directory).next < size) await new Promise((resolve) => setImmediate(resolve));
}

/** What another sealer moved away while this one was paused is missing: the next round finds out why. */
function again(error: unknown): void {
  if (!(error instanceof Fault) || error.code !== 'LEDGER_LOG_UNWRITABLE') throw error;
}

function sealingOver(options: FileSealerOptions): Sealing {
  const store = new LogDirectory(join(options.directory, 'ledger'));
  const states = new StateStore<SealerState>(join(options.directory, 'sealer'));
  const append = () => Promise.resolve();
  return new Sealing({
    open: () => openSealer(options, store, states),
    assertStream: () => Promise.resolve(),
    assertOwner: () => states.assertOwner(),
    tick: new Tick(append, () => 0),
    previous: () => undefined,
    isEnding: () => false,
    append,
    log: { error: options.onWarning, fatal: options.onWarning },
    elapsed: () => 0,
    onFenced: () => undefined,
  });
}

async function openSealer(
  { directory, atStep, onWarning }: FileSealerOptions,
  store: LogDirectory,
  states: StateStore<SealerState>,
): Promise<Sealer> {
  const deployment = makeDeployment();
  const feed = new SealedFeed({
    logName: deployment.ledger,
    end: () => Promise.resolve(fedIn(directory)),
    publish: (message, _id, after) => {
      atStep();
      if (fedIn(directory).seq !== after) return Promise.reject(new Error('another message stands there'));
      appendFileSync(join(directory, 'sealed'), `${JSON.stringify(message)}\n`);
      atStep();
      return Promise.resolve(after + 1);
    },
    leaves: (from, to, size) => store.leaves(from, to, size),
    log: { warn: onWarning },
    sleep: () => Promise.resolve(),
  });
  await states.claim();
  await store.claim();
  await states.assertOwner();
  const stored = await states.load();
  let nowMs = 0;
  return new Sealer(
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
}

function messagesIn(directory: string): readonly LedgerMessage[] {
  return linesOf(join(directory, 'stream')).map((line, index) => {
    const [subject = '', data = ''] = line.split(' ');
    return { seq: index + 1, subject, data: Buffer.from(data, 'base64') };
  });
}

/** What the feed has handed on: its last message, and the leaf that comes next. */
function fedIn(directory: string): { readonly seq: number; readonly next: number } {
  const lines = linesOf(join(directory, 'sealed'));
  const last = lines.at(-1);
  if (last === undefined) return { seq: 0, next: 0 };
  const { first, entries } = SealedMessage.parse(JSON.parse(last));
  return { seq: lines.length, next: first + entries.length };
}

function linesOf(file: string): readonly string[] {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n');
  } catch {
    return [];
  }
}
