import { assertAgentName, type Entry, LEDGER_STREAM } from '#writ/contracts';
import { Fault, messageOf } from '#writ/faults';
import { LedgerFollower, type PlacedEntry } from '#writ/ledger-client';
import { openOperator, type Operator } from '#writ/operator';
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
  const follower = new LedgerFollower({
    blocks: operator.blocks,
    authority: () => operator.authority,
    fromSeq: await firstSeq(operator, options.from),
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

async function firstSeq({ streams }: Operator, from: 'start' | 'now'): Promise<number> {
  return from === 'start' ? 1 : (await streams.info(LEDGER_STREAM)).state.last_seq + 1;
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
