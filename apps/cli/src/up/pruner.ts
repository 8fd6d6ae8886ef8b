import type { WritConfig } from '#writ/catalogue';
import type { DeploymentPaths, RunningBus } from '#writ/deployment';
import { messageOf } from '#writ/faults';
import { openOperator } from '#writ/operator';
import { pruneLedger, type PruneReport } from '../ledger/prune/prune-ledger.js';
import { retentionOf } from '../ledger/prune/retention.js';
import { answerPruneRequest, takePruneRequest } from '../ledger/prune/prune-request.js';

/** The first removal waits until everything has begun; then one a day. */
const FIRST_AFTER_MS = 60_000;
const EVERY_MS = 86_400_000;
const LOOK_EVERY_MS = 500;
/** A sealer that works has a record under a checkpoint within a few seconds. */
const SEALED_WITHIN_MS = 30_000;

export interface PrunerOptions {
  readonly paths: DeploymentPaths;
  readonly config: WritConfig;
  readonly bus: Pick<RunningBus, 'url' | 'trimLedger'>;
  readonly note: (line: string) => void;
}

/** Removes the oldest of the ledger once a day, and when the command line asks for it. One removal at a time. */
export class Pruner {
  readonly #stopping = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #dueMs = performance.now() + FIRST_AFTER_MS;
  #isRunning = false;

  constructor(private readonly options: PrunerOptions) {}

  start(): void {
    this.#timer = setInterval(() => void this.#lookAlone(), LOOK_EVERY_MS);
  }

  /** Begins nothing more and ends what goes on; a stream that is being changed is whole before the bus ends. */
  stop(): void {
    clearInterval(this.#timer);
    this.#stopping.abort();
  }

  async #lookAlone(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    await this.#look().catch((error: unknown) => this.#tell(error));
    this.#isRunning = false;
  }

  async #look(): Promise<void> {
    const { paths } = this.options;
    const request = await takePruneRequest(paths);
    if (request !== undefined) await answerPruneRequest(paths, request, this.#prune(request.isDryRun));
    if (performance.now() < this.#dueMs) return;
    this.#dueMs = performance.now() + EVERY_MS;
    const { stream, log } = await this.#prune(false);
    if (stream.from > stream.first) this.options.note(`the ledger's stream begins with message ${stream.from} now`);
    if (log.from > log.first) this.options.note(`the log begins with leaf ${log.from} now`);
  }

  async #prune(isDryRun: boolean): Promise<PruneReport> {
    const { paths, config, bus } = this.options;
    const operator = await openOperator({ dataDir: paths.dataDir, url: bus.url });
    return pruneLedger({
      operator,
      logDir: process.env['WRIT_LOG_DIR'] ?? paths.logDir,
      retention: retentionOf(config),
      isDryRun,
      nowMs: Date.now(),
      trim: (firstSeq) => bus.trimLedger(firstSeq),
      sealedWithinMs: SEALED_WITHIN_MS,
      signal: this.#stopping.signal,
    }).finally(() => operator.close());
  }

  #tell(error: unknown): void {
    if (this.#stopping.signal.aborted) return;
    this.options.note(`the oldest of the ledger could not be removed: ${messageOf(error)}`);
  }
}
