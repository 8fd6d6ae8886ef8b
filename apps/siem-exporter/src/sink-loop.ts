import { SealedMessage } from '#writ/contracts';
import type { Heartbeat, RecordMaker, SiemRecord } from '#writ/siem';
import { type Counters, newCounters } from './counters.js';
import { deliver, type DeliverOptions, Stopped } from './deliver.js';
import type {
  DeadLetters,
  Feed,
  FeedMessage,
  Journal,
  Log,
  Replays,
  Sink,
  SinkState,
  StateStore,
  Tests,
} from './ports.js';
import { Replayer, type ReplayStatus } from './replayer.js';
import { SinkTester } from './sink-tester.js';

export interface SinkLoopOptions {
  readonly name: string;
  readonly sink: Sink;
  readonly maker: RecordMaker;
  readonly feed: Feed;
  readonly replays: Replays;
  readonly tests: Tests;
  /** Name of the log, for what is said before anything was exported. */
  readonly logName: string;
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

/** Where nothing was exported yet. */
const START: SinkState = { logName: '', next: 0, xseq: 0, size: 0, root: '' };
/** A record is a few times as large as its entry. */
const RECORD_TO_ENTRY = 4;
const WAIT_MS = 1_000;
/** A sink that does not take records can be tested while nobody sends it any. */
const LOOK_EVERY_MS = 500;

interface Prepared {
  readonly records: readonly SiemRecord[];
  readonly state: SinkState;
}

/**
 * Takes sealed messages in order, makes records, hands them to the sink until it has them, saves how far it is, and only then
 * acknowledges the messages. It knows nothing of the kind of the sink.
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

  constructor(private readonly options: SinkLoopOptions) {
    this.#state = options.state.current ?? START;
    const { name: sink, maker, replays, tests, journal, log, now } = options;
    const sendAgain = async (records: readonly SiemRecord[]) => {
      await deliver(records, this.#deliverOptions());
      this.counters.replayed += records.length;
    };
    this.#replayer = new Replayer({ sink, maker, replays, journal, log, now, deliver: sendAgain });
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
    const { feed, batchBytesMax } = this.options;
    let isReplaying = false;
    while (!this.#stopping.signal.aborted) {
      const messages = await feed.take(Math.ceil(batchBytesMax / RECORD_TO_ENTRY), isReplaying ? 0 : WAIT_MS);
      if (messages.length > 0) await this.#export(messages);
      isReplaying = await this.#replayer.step(this.#state);
      await this.#tester.step();
      await this.#beat();
    }
  }

  async #export(messages: readonly FeedMessage[]): Promise<void> {
    const { records, state } = await this.#prepare(messages);
    await deliver(records, this.#deliverOptions());
    this.counters.sent += records.length;
    // If the process dies before the next line the batch is sent again, with the same sequences.
    if (state !== this.#state) await this.options.state.save(state);
    this.#state = state;
    // If it dies here the stream delivers the messages again, and the state says that the sink has them.
    for (const message of messages) await message.done();
  }

  async #prepare(messages: readonly FeedMessage[]): Promise<Prepared> {
    const records: SiemRecord[] = [];
    let state = this.#state;
    for (const { data, sealedMs } of messages) {
      this.#lastSealedMs = sealedMs;
      const sealed = parseSealed(data);
      if (sealed === undefined) {
        // The hole that it leaves shows at the next message, and is recorded there.
        this.options.log.error({}, 'a message of the sealed stream cannot be read');
        continue;
      }
      if (sealed.log_name !== state.logName) state = { ...START, logName: sealed.log_name };
      if (sealed.first > state.next) await this.#gap(state.next, sealed.first - 1, 'SEALED_MISSING');
      state = this.#addRecords(sealed, { state, sealedMs }, records);
    }
    return { records, state };
  }

  #addRecords(sealed: SealedMessage, at: { readonly state: SinkState; readonly sealedMs: number }, to: SiemRecord[]) {
    const { maker } = this.options;
    const { log_name: logName, first, entries, size, root } = sealed;
    let { xseq } = at.state;
    const next = Math.max(at.state.next, first + entries.length);
    entries.forEach((text, i) => {
      const index = first + i;
      // What the sink has is not sent again: the stream was rebuilt, or an acknowledgement was lost.
      if (index < at.state.next) return;
      const record = maker.record({ text, index, logName, sealedMs: at.sealedMs }, xseq);
      if (record === undefined) return;
      xseq += 1;
      to.push(record);
    });
    const isNewer = size >= at.state.size;
    return { logName, next, xseq, size: isNewer ? size : at.state.size, root: isNewer ? root : at.state.root };
  }

  #deliverOptions(): DeliverOptions {
    const { sink, log, random, deadLetters } = this.options;
    const deadLetter: DeadLetters = async (record, code) => {
      await deadLetters(record, code);
      this.counters.deadLettered += 1;
      if (record.index !== undefined) await this.#gap(record.index, record.index, code);
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

  async #gap(first: number, last: number, code: string): Promise<void> {
    this.counters.gaps += 1;
    this.options.log.error({ first, last, code }, 'a sink will not have entries');
    await this.options.journal({ type: 'export.gap', sink: this.options.name, first, last, why: { code } });
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
    const logName = this.#state.logName || this.options.logName;
    const beat: Heartbeat = { sink: name, logName, size, root, exported: next, timeMs: now(), test };
    return maker.heartbeat(maker.isFiltered ? { ...beat, xseq } : beat);
  }
}

function parseSealed(data: Uint8Array): SealedMessage | undefined {
  try {
    return SealedMessage.safeParse(JSON.parse(Buffer.from(data).toString('utf8'))).data;
  } catch {
    return undefined;
  }
}
