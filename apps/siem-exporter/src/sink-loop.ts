import type { Heartbeat, RecordMaker, SiemRecord } from '#writ/siem';
import { type Batch, makeBatch, START } from './batch.js';
import { type Counters, newCounters } from './counters.js';
import { deliver, type DeliverOptions, Stopped } from './deliver.js';
import { type Ledgers, type Missed, ofLedger } from './ledgers.js';
import type { DeadLetters, Feed, Journal, Log, Replays, Sink, SinkState, StateStore, Tests } from './ports.js';
import { Replayer, type ReplayStatus } from './replayer.js';
import { SinkTester } from './sink-tester.js';

export interface SinkLoopOptions {
  readonly name: string;
  readonly sink: Sink;
  readonly maker: RecordMaker;
  readonly feed: Feed;
  readonly replays: Replays;
  readonly tests: Tests;
  /** The ledger of now names what is said before anything was exported. */
  readonly ledgers: () => Ledgers;
  readonly state: StateStore;
  readonly journal: Journal;
  readonly deadLetters: DeadLetters;
  readonly log: Log;
  readonly batchBytesMax: number;
  readonly heartbeatMs: number;
  readonly now: () => number;
  readonly random: () => number;
  readonly sleep: DeliverOptions['sleep'];
}

/** A record is a few times as large as its entry. */
const RECORD_TO_ENTRY = 4;
const WAIT_MS = 1_000;
/** A sink that does not take records can be tested while nobody sends it any. */
const LOOK_EVERY_MS = 500;

/**
 * Takes sealed messages in order, makes records, hands them to the sink until it has them, saves how far it is, and only then
 * acknowledges the messages. While a full batch is on its way the next one is made, and no more than that one: a sink that is slow is waited
 * for. It knows nothing of the kind of the sink.
 */
export class SinkLoop {
  readonly counters: Counters = newCounters();
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #state: SinkState;
  #lastHeartbeatMs = Number.NEGATIVE_INFINITY;
  #lastSealedMs: number | undefined;
  readonly #replayer: Replayer;
  readonly #tester: SinkTester;
  /** The ledgers that records are of. */
  readonly #ledgerOf = new WeakMap<SiemRecord, string>();
  /** Of the messages that become one batch. */
  readonly #entryBytesMax: number;

  constructor(private readonly options: SinkLoopOptions) {
    this.#state = options.state.current ?? START;
    this.#entryBytesMax = Math.ceil(options.batchBytesMax / RECORD_TO_ENTRY);
    const { name: sink, maker, replays, tests, journal, log, now, ledgers } = options;
    const sendAgain = async (records: readonly SiemRecord[], ledger: string) => {
      for (const record of records) this.#ledgerOf.set(record, ledger);
      await deliver(records, this.#deliverOptions());
      this.counters.replayed += records.length;
    };
    this.#replayer = new Replayer({ sink, maker, replays, journal, log, now, ledgers, deliver: sendAgain });
    this.#tester = new SinkTester({ sink: options.sink, tests, log, record: (id) => this.#heartbeat(id) });
  }

  /** How far the sink is; undefined before it took anything. */
  get position(): Pick<SinkState, 'next' | 'size'> & { readonly sealedMs: number | undefined } {
    return { next: this.#state.next, size: this.#state.size, sealedMs: this.#lastSealedMs };
  }

  /** What is being sent once more; undefined when nothing is. */
  get replay(): ReplayStatus | undefined {
    return this.#replayer.status;
  }

  start(): void {
    this.#running = this.#run().catch((error: unknown) => {
      if (!(error instanceof Stopped)) throw error;
    });
    this.#running.catch(() => undefined);
  }

  /** Rejects when the loop ended by an error of its own, which is a bug or a disk that is full. */
  get ended(): Promise<void> {
    return this.#running;
  }

  /** Stops after the attempt that is under way. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    // What is under way ends with its connection: nobody waits for a receiver that says nothing.
    await this.options.sink.close();
    await this.#running.catch(() => undefined);
    await this.options.sink.close();
  }

  async #run(): Promise<void> {
    let ahead: Batch | undefined;
    let isReplaying = false;
    while (!this.#stopping.signal.aborted) {
      const batch = ahead ?? (await this.#nextBatch(this.#state, isReplaying ? 0 : WAIT_MS));
      // What comes while a small batch is on its way goes with the next one; behind a full one there is more already.
      const isFull = 2 * batch.bytes > this.#entryBytesMax;
      [, ahead] = await Promise.all([this.#export(batch), isFull ? this.#nextBatch(batch.state, 0) : undefined]);
      isReplaying = await this.#replayer.step(this.#state);
      await this.#tester.step();
      await this.#beat();
    }
  }

  async #nextBatch(from: SinkState, waitMs: number): Promise<Batch> {
    const { feed, maker, ledgers } = this.options;
    return makeBatch(await feed.take(this.#entryBytesMax, waitMs), { maker, from, ledgers });
  }

  async #export({ messages, records, ledgerOf, state, holes, unreadable }: Batch): Promise<void> {
    if (messages.length === 0) return;
    for (const [record, ledger] of ledgerOf) this.#ledgerOf.set(record, ledger);
    this.#lastSealedMs = messages.at(-1)?.sealedMs;
    // The hole that they leave shows at the next message, and is recorded there.
    if (unreadable > 0)
      this.options.log.error({ messages: unreadable }, 'messages of the sealed stream cannot be read');
    for (const missed of holes) await this.#gap(missed, 'SEALED_MISSING');
    await deliver(records, this.#deliverOptions());
    this.counters.sent += records.length;
    // If the process dies before the next line the batch is sent again, with the same sequences.
    if (state !== this.#state) await this.options.state.save(state);
    this.#state = state;
    // If it dies here the stream delivers the messages again, and the state says that the sink has them.
    await Promise.all(messages.map((message) => message.done()));
  }

  #deliverOptions(): DeliverOptions {
    const { sink, log, random, deadLetters } = this.options;
    const deadLetter: DeadLetters = async (record, code) => {
      await deadLetters(record, code);
      this.counters.deadLettered += 1;
      const { index } = record;
      const ledger = this.#ledgerOf.get(record) ?? this.#state.logName;
      if (index !== undefined) await this.#gap({ ledger, first: index, last: index }, code);
    };
    const probe = () => this.#heartbeat();
    const sleep = (ms: number, signal: AbortSignal) => this.#pause(ms, signal);
    return { sink, counters: this.counters, log, signal: this.#stopping.signal, probe, deadLetter, random, sleep };
  }

  async #pause(ms: number, signal: AbortSignal): Promise<void> {
    for (let leftMs = ms; leftMs > 0 && !signal.aborted; leftMs -= LOOK_EVERY_MS) {
      await this.options.sleep(Math.min(leftMs, LOOK_EVERY_MS), signal);
      await this.#tester.step();
    }
  }

  async #gap({ ledger, first, last }: Missed, code: string): Promise<void> {
    const { name: sink, journal, ledgers, log } = this.options;
    this.counters.gaps += 1;
    log.error({ ledger, first, last, code }, 'a sink will not have entries');
    await journal({ type: 'export.gap', sink, ...ofLedger(ledger, ledgers()), first, last, why: { code } });
  }

  /** Says once a minute how far log and sink are. It is tried once: the next one says the same, and more. */
  async #beat(): Promise<void> {
    const { now, heartbeatMs, sink } = this.options;
    if (this.#state.logName === '' || now() - this.#lastHeartbeatMs < heartbeatMs) return;
    this.#lastHeartbeatMs = now();
    const delivery = await sink.send([this.#heartbeat()]).catch(() => undefined);
    if (delivery?.status === 'acknowledged') this.counters.heartbeats += 1;
  }

  #heartbeat(test?: string): SiemRecord {
    const { name, maker, now } = this.options;
    const { size, root, next, xseq } = this.#state;
    const logName = this.#state.logName || this.options.ledgers().now;
    const beat: Heartbeat = { sink: name, logName, size, root, exported: next, timeMs: now(), test };
    return maker.heartbeat(maker.isFiltered ? { ...beat, xseq } : beat);
  }
}
