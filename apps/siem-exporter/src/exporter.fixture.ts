import { canonicalJson, type EntryBody } from '#writ/contracts';
import { type RecordFormat, RecordMaker, type SiemRecord } from '#writ/siem';
import type { DeliverOptions } from './deliver.js';
import { newCounters } from './counters.js';
import type { Ledgers } from './ledgers.js';
import type { Delivery, Feed, FeedMessage, Log, Replays, Sink, SinkState, StateStore, Tests } from './ports.js';
import { SinkLoop } from './sink-loop.js';

export const LOG_NAME = 'writ.test/default/2026';
export const ACKNOWLEDGED: Delivery = { status: 'acknowledged' };
export const SILENT: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** Nobody asks for anything again. */
export const NO_REPLAYS: Replays = {
  asked: () => Promise.resolve(undefined),
  save: () => Promise.resolve(),
  finish: () => Promise.resolve(),
  leaves: () => Promise.resolve([]),
};

/** Nobody tests a sink. */
export const NO_TESTS: Tests = { asked: () => Promise.resolve(undefined), answer: () => Promise.resolve() };

/** The text of a leaf: a tick, or another type. */
export function leafText(index: number, type = 'ledger.tick'): string {
  return canonicalJson({ id: `01K0${String(index).padStart(22, '0')}`, ts: '2026-11-22T05:30:00.123Z', type });
}

/** A message of SEALED with `count` entries from `first` on. */
export function sealed(first: number, count: number, change: object = {}): Buffer {
  const entries = Array.from({ length: count }, (_, i) => leafText(first + i));
  const size = first + count;
  return Buffer.from(
    JSON.stringify({ v: 1, log_name: LOG_NAME, first, size, root: 'r'.repeat(43), entries, ...change }),
  );
}

/** Records of leaves from `first` on. */
export function records(first: number, count: number, format: RecordFormat = 'raw'): SiemRecord[] {
  const maker = new RecordMaker({ format, version: '1.9.0' });
  return Array.from({ length: count }, (_, i) => {
    const record = maker.record({ text: leafText(first + i), index: first + i, logName: LOG_NAME, sealedMs: 0 }, 0);
    if (record === undefined) throw new Error('there is no record');
    return record;
  });
}

/** A receiver that answers what it is told to, and keeps what it acknowledged. */
export class FakeSink implements Sink {
  readonly taken: (number | undefined)[] = [];
  readonly sent: (number | undefined)[][] = [];

  constructor(private readonly answer: (records: readonly SiemRecord[], attempt: number) => Delivery | Error) {}

  send(batch: readonly SiemRecord[]): Promise<Delivery> {
    this.sent.push(batch.map(({ index }) => index));
    const answer = this.answer(batch, this.sent.length);
    if (answer instanceof Error) return Promise.reject(answer);
    if (answer.status === 'acknowledged') this.taken.push(...batch.map(({ index }) => index));
    return Promise.resolve(answer);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Sequences that it has, in the order in which it got them. */
  get sequences(): number[] {
    return this.taken.flatMap((index) => index ?? []);
  }
}

/** What `deliver` needs, with no waiting; what it slept and what it gave up. */
export function delivering(sink: Sink, signal = new AbortController().signal) {
  const slept: number[] = [];
  const dead: [index: number | undefined, code: string][] = [];
  const maker = new RecordMaker({ format: 'raw', version: '1.9.0' });
  const beat = { sink: 'lake', logName: LOG_NAME, size: 1, root: 'r', exported: 0, timeMs: 0 };
  const options: DeliverOptions = {
    sink,
    counters: newCounters(),
    log: SILENT,
    signal,
    probe: () => maker.heartbeat(beat),
    deadLetter: (record, code) => Promise.resolve(void dead.push([record.index, code])),
    sleep: (ms) => Promise.resolve(void slept.push(ms)),
    random: () => 1,
  };
  return { options, slept, dead };
}

/** A feed of messages that lie there; `finished` when all of them were acknowledged to the stream. */
function feedOf(
  messages: readonly Uint8Array[],
  order: string[],
  onTake: () => void = () => undefined,
): { readonly feed: Feed; readonly finished: Promise<void> } {
  const waiting = [...messages];
  let left = messages.length;
  let allDone: () => void = () => undefined;
  const finished = new Promise<void>((resolve) => (allDone = resolve));
  const done = () => {
    order.push('acknowledged');
    left -= 1;
    if (left === 0) allDone();
    return Promise.resolve();
  };
  const feed: Feed = {
    take: () => {
      const data = waiting.shift();
      if (data === undefined) return new Promise((resolve) => setImmediate(() => resolve([])));
      onTake();
      const message: FeedMessage = { data, sealedMs: 0, done };
      return Promise.resolve([message]);
    },
  };
  return { feed, finished };
}

/** A place that is remembered in memory. */
function stateOf(current: SinkState | undefined, order: string[]): StateStore {
  return {
    get current() {
      return current;
    },
    save: (next) => {
      current = next;
      order.push(`saved ${next.next}`);
      return Promise.resolve();
    },
  };
}

/** A sink loop over messages that lie there; resolves when all of them were acknowledged to the stream. */
export async function runLoop(
  messages: readonly Uint8Array[],
  parts: {
    readonly sink: Sink;
    readonly state?: SinkState;
    readonly filter?: { readonly types: string[] };
    readonly tests?: Tests;
    readonly ledgers?: Ledgers;
    /** Told of each message that the loop takes. */
    readonly onTake?: () => void;
  },
) {
  const order: string[] = [];
  const journal: EntryBody[] = [];
  const dead: string[] = [];
  const { feed, finished } = feedOf(messages, order, parts.onTake);
  const state = stateOf(parts.state, order);
  const loop = new SinkLoop({
    name: 'lake',
    sink: parts.sink,
    maker: new RecordMaker({ format: 'raw', version: '1.9.0', filter: parts.filter }),
    feed,
    replays: NO_REPLAYS,
    tests: parts.tests ?? NO_TESTS,
    ledgers: () => parts.ledgers ?? { now: LOG_NAME, closed: [] },
    state,
    journal: (body) => {
      order.push('recorded');
      journal.push(body);
      return Promise.resolve();
    },
    deadLetters: (record) => Promise.resolve(void dead.push(record.text)),
    log: SILENT,
    batchBytesMax: 1_000_000,
    heartbeatMs: 60_000,
    now: () => 0,
    random: () => 0,
    sleep: () => Promise.resolve(),
  });
  loop.start();
  await finished;
  await loop.stop();
  return { order, journal, dead, state: state.current, counters: loop.counters };
}
