import { SealedMessage } from '#writ/contracts';
import type { RecordMaker, SiemRecord } from '#writ/siem';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Ledgers, type Missed, missedBefore } from './ledgers.js';
import type { FeedMessage, SinkState } from './ports.js';

/** Sealed messages and what they are to a sink. Nothing is done with any of it yet. */
export interface Batch {
  readonly messages: readonly FeedMessage[];
  readonly records: readonly SiemRecord[];
  /** How far the sink is when it has the records. */
  readonly state: SinkState;
  /** The ledger of each record: a batch may have the end of one and the beginning of the next. */
  readonly ledgerOf: ReadonlyMap<SiemRecord, string>;
  /** Leaves that the stream does not have. */
  readonly holes: readonly Missed[];
  /** How many messages are none of SEALED. */
  readonly unreadable: number;
  /** Of the messages. */
  readonly bytes: number;
}

export interface BatchOptions {
  readonly maker: RecordMaker;
  /** How far the sink is before the batch. */
  readonly from: SinkState;
  readonly ledgers: () => Ledgers;
}

/** Where nothing was exported yet. */
export const START: SinkState = { logName: '', next: 0, xseq: 0, size: 0, root: '' };

/** Records that are made in one turn of the event loop: in between, what the sink before this one needs has its turn. */
const TURN_RECORDS = 64;

/**
 * Makes the records of the messages. It reads and writes nothing, and gives way to the batch that is on its way. Never throws for what is in a
 * message.
 */
export async function makeBatch(messages: readonly FeedMessage[], options: BatchOptions): Promise<Batch> {
  const ledgerOf = new Map<SiemRecord, string>();
  const holes: Missed[] = [];
  let [state, unreadable, bytes] = [options.from, 0, 0];
  for (const { data, sealedMs } of messages) {
    bytes += data.length;
    const sealed = parseSealed(data);
    if (sealed === undefined) {
      unreadable += 1;
      continue;
    }
    const { log_name: ledger, first } = sealed;
    if (ledger !== state.logName) {
      holes.push(...missedBefore(ledger, state, options.ledgers()));
      state = { ...START, logName: ledger };
    }
    if (first > state.next) holes.push({ ledger, first: state.next, last: first - 1 });
    state = await addRecords(sealed, { ...options, from: state, sealedMs }, ledgerOf);
  }
  return { messages, records: [...ledgerOf.keys()], ledgerOf, state, holes, unreadable, bytes };
}

/** Returns how far the sink is after the message. */
async function addRecords(
  { log_name: logName, first, entries, size, root }: SealedMessage,
  { maker, from, sealedMs }: BatchOptions & { readonly sealedMs: number },
  to: Map<SiemRecord, string>,
): Promise<SinkState> {
  let { xseq } = from;
  for (const [i, text] of entries.entries()) {
    const index = first + i;
    // What the sink has is not sent again: the stream was rebuilt, or an acknowledgement was lost.
    if (index < from.next) continue;
    if ((i + 1) % TURN_RECORDS === 0) await nextTurn();
    const record = maker.record({ text, index, logName, sealedMs }, xseq);
    if (record === undefined) continue;
    xseq += 1;
    to.set(record, logName);
  }
  const next = Math.max(from.next, first + entries.length);
  const { size: sizeBefore, root: rootBefore } = from;
  const isNewer = size >= sizeBefore;
  return { logName, next, xseq, size: isNewer ? size : sizeBefore, root: isNewer ? root : rootBefore };
}

function parseSealed(data: Uint8Array): SealedMessage | undefined {
  try {
    return SealedMessage.safeParse(JSON.parse(Buffer.from(data).toString('utf8'))).data;
  } catch {
    return undefined;
  }
}
