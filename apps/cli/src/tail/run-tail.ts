import { assertAgentName, type Entry, LEDGER_STREAM } from '#writ/contracts';
import { readTrustBundle } from '#writ/deployment';
import { Fault, messageOf } from '#writ/faults';
import { LedgerFollower, type PlacedEntry } from '#writ/ledger-client';
import { openOperator, type Operator } from '#writ/operator';
import { Authority } from '#writ/signing';
import { type Cli, type CommonOptions, dataDirectory } from '../cli.js';
import { EXIT } from '../exit-codes.js';
import { painter } from '../paint.js';
import { printable } from '../printable.js';
import { formatEntry, isDenial, policyLineOf } from './format-entry.js';

export interface TailOptions extends CommonOptions {
  readonly denied?: true;
  readonly agent?: string;
  readonly from: 'start' | 'now';
}

const POLL_MS = 150;
/** A ledger that did not answer for this long is gone: `writ up` was stopped, and its address may change. */
const LOST_MAX_MS = 15_000;

/** Prints entries as they are recorded, until a signal. Throws LEDGER_UNAVAILABLE when the ledger is gone for good. */
export async function runTail(options: TailOptions, cli: Cli): Promise<number> {
  const isShown = filterOf(options);
  const operator = await openOperator({ dataDir: dataDirectory(options), url: process.env['WRIT_NATS_URL'] });
  const end = untilSignal();
  let lostSinceMs: number | undefined;
  let authority = operator.authority;
  const follower = new LedgerFollower({
    blocks: {
      read: async (fromSeq) => {
        const batch = await operator.blocks.read(fromSeq);
        // A key that was rotated while this runs is in the bundle before it signs anything.
        if (batch.messages.length > 0) authority = new Authority(await readTrustBundle(operator.paths));
        return batch;
      },
    },
    authority: () => authority,
    fromSeq: await firstSeq(operator, options.from, cli),
    pollMs: POLL_MS,
    onEntries: (entries) => {
      lostSinceMs = undefined;
      for (const placed of entries) if (isShown(placed.entry)) show(placed, options, cli);
    },
    onRejected: (seq, reason) => cli.note(`LEDGER_CORRUPT: message ${seq} is no block to trust: ${printable(reason)}`),
    onLost: (error) => {
      if (lostSinceMs === undefined) cli.note(`LEDGER_UNAVAILABLE: ${messageOf(error)}`);
      lostSinceMs ??= performance.now();
      if (performance.now() - lostSinceMs > LOST_MAX_MS) {
        end.fail(new Fault('LEDGER_UNAVAILABLE', 'the ledger is gone', { cause: error }));
      }
    },
  });
  follower.start();
  try {
    await end.reached;
    return EXIT.ok;
  } finally {
    await follower.stop();
    await operator.close();
  }
}

function filterOf({ agent, denied }: TailOptions): (entry: Entry) => boolean {
  if (agent !== undefined) assertAgentName(agent);
  return (entry) =>
    (denied !== true || isDenial(entry)) && (agent === undefined || ('who' in entry && entry.who.agent === agent));
}

async function firstSeq({ streams }: Operator, from: 'start' | 'now', cli: Cli): Promise<number> {
  const { first_seq: first, last_seq: last } = (await streams.info(LEDGER_STREAM)).state;
  if (from === 'now') return last + 1;
  if (first > 1)
    cli.note(`messages before ${first} were removed from the stream; \`writ ledger export\` has what the log kept`);
  return first;
}

function show({ seq, i, entry }: PlacedEntry, { json }: TailOptions, cli: Cli): void {
  if (!json) {
    cli.print(formatEntry(entry, painter(cli.isColoured)));
    return;
  }
  const at = policyLineOf(entry);
  cli.print(JSON.stringify({ seq, i, ...(at === undefined ? {} : { at }), entry }));
}

interface End {
  readonly reached: Promise<void>;
  readonly fail: (fault: Fault) => void;
}

function untilSignal(): End {
  let fail: (fault: Fault) => void = () => undefined;
  const reached = new Promise<void>((resolve, reject) => {
    fail = reject;
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
  return { reached, fail: (fault) => fail(fault) };
}
