import { LEDGER_STREAM } from '#writ/contracts';
import { Fault } from '#writ/faults';
import { type Operator, planStream, type StreamPlan } from '#writ/operator';
import { LOG_FILES, type LogReport, parseCheckpoint, sealedLines, verifyGrowingLog } from '#writ/tlog';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { earlierLogs } from '../earlier-logs.js';
import { LogFolder } from '../log-folder.js';
import { planLog, removeFromLog } from './prune-log.js';
import type { Retention } from './retention.js';

const EXIT_UNWITNESSED = 10;
const LOOK_EVERY_MS = 100;

export interface PruneOptions {
  readonly operator: Operator;
  readonly logDir: string;
  readonly retention: Retention;
  readonly isDryRun: boolean;
  readonly nowMs: number;
  /** Removes what stands before that message of the stream and returns the first that is left. */
  readonly trim: (firstSeq: number) => Promise<number>;
  /** How long to wait until the sealer has the record of a removal; 0 when no sealer runs, and then the log stays as it is. */
  readonly sealedWithinMs: number;
  /** Ends the verification, and with it everything. */
  readonly signal?: AbortSignal;
}

/** What was removed, or would be. */
export interface PruneReport {
  readonly isDryRun: boolean;
  /** The first message that there was, and the first that is left. */
  readonly stream: { readonly first: number; readonly from: number };
  /** The first leaf whose entry there was, and the first that is left. */
  readonly log: { readonly first: number; readonly from: number };
  /** Facts of the removed part that were said again. */
  readonly carried: number;
}

/**
 * Removes the oldest of the ledger as the configuration asks for: messages of the stream that the verified log holds, and then entries
 * of the log that the stream holds no more. The log is verified first. Before anything goes it is on record, with all that readers of
 * the rest still need. Throws LEDGER_INTEGRITY when the log does not verify or differs from the stream; then nothing was removed.
 */
export async function pruneLedger(options: PruneOptions): Promise<PruneReport> {
  const { operator, logDir, isDryRun } = options;
  const log = new LogFolder(logDir);
  const report = await verified(options, log);
  const size = report === undefined || report.quorum === 0 ? report?.size : report.witnessedSize;
  if (report === undefined || size === undefined || size === null) return nothingOf(options, report);
  // The chain is opened before anything is read: whoever writes for the operator meanwhile fences us, and nothing is carried over twice.
  const writer = isDryRun ? undefined : await operator.openWriter();
  const { retention, nowMs } = options;
  const { streamAgeMsMax: ageMsMax, streamAgeMsMin: ageMsMin, streamBytesMax: bytesMax } = retention;
  const before = await earlierOf(options);
  const plan = await planStream({ ...operator, log, size, before }, { ageMsMax, ageMsMin, bytesMax }, nowMs);
  const record = { size: report.size, root: report.root };
  const isAny = plan.keepFrom > plan.first;
  if (writer !== undefined && isAny) {
    const pruned = { type: 'ledger.pruned', of: 'stream', seq: plan.keepFrom, leaf: plan.leaf, ...record } as const;
    await Promise.all([...plan.carried, pruned].map((body) => writer.append(body)));
    // If the process dies here the next removal says it all again: nothing is missing, and what is carried over twice is the same.
    await options.trim(plan.keepFrom);
  }
  const later = await planLog(log, { report, retention, nowMs, streamFrom: plan.keepFrom });
  if (writer !== undefined && later !== undefined && options.sealedWithinMs > 0) {
    const { leaf, file, seq } = later;
    const { seq: recordedAt } = await writer.append({ type: 'ledger.pruned', of: 'log', leaf, file, seq, ...record });
    await untilCovered(log, recordedAt, options.sealedWithinMs);
    // If the process dies here the removal is declared and not done: the log is whole, and the next one declares it again.
    await removeFromLog(logDir, later);
  }
  const logFrom = isDryRun || options.sealedWithinMs > 0 ? later?.leaf : undefined;
  return reportOf(isDryRun, plan, { first: report.from, from: logFrom ?? report.from });
}

function reportOf(isDryRun: boolean, plan: StreamPlan, log: PruneReport['log']): PruneReport {
  return { isDryRun, stream: { first: plan.first, from: plan.keepFrom }, log, carried: plan.carried.length };
}

/** Nothing is sealed yet, or nothing was cosigned: nothing may go. */
async function nothingOf({ operator, isDryRun }: PruneOptions, report: LogReport | undefined): Promise<PruneReport> {
  const first = (await operator.streams.info(LEDGER_STREAM)).state.first_seq;
  const from = report?.from ?? 0;
  return { isDryRun, stream: { first, from: first }, log: { first: from, from }, carried: 0 };
}

/**
 * The logs of the ledgers before of which the stream still has messages, each verified and as the root key says that it ended. Throws
 * LEDGER_INTEGRITY when one is not here.
 */
async function earlierOf(
  options: PruneOptions,
): Promise<readonly { readonly log: LogFolder; readonly size: number }[]> {
  const { operator } = options;
  const { closed, begins } = operator.authority;
  const first = (await operator.streams.info(LEDGER_STREAM)).state.first_seq;
  if (first >= begins) return [];
  const here = new Map((await earlierLogs(operator.paths.dataDir)).map(({ ledger, directory }) => [ledger, directory]));
  const found: { readonly log: LogFolder; readonly size: number }[] = [];
  for (const { ledger, size, root } of closed.filter(({ seq }) => seq >= first)) {
    const log = new LogFolder(here.get(ledger) ?? '');
    const report = here.has(ledger) ? await verified(options, log) : undefined;
    if (report?.size !== size || report.root !== root)
      throw new Fault('LEDGER_INTEGRITY', `the log of \`${ledger}\` is not here as it ended: nothing is removed`);
    found.push({ log, size });
  }
  return found;
}

/** What the verification of the log says; undefined when it has no head yet. */
async function verified({ operator, signal }: PruneOptions, log: LogFolder): Promise<LogReport | undefined> {
  if ((await log.read(LOG_FILES.checkpoint)) === undefined) return undefined;
  const rootVkey = (await readFile(operator.paths.rootVkey, 'utf8')).trim();
  const onProgress = () => signal?.throwIfAborted();
  const report = await verifyGrowingLog(log, { rootVkey, isStrict: false, onProgress }, (ms) => sleep(ms));
  signal?.throwIfAborted();
  if (report.exit <= EXIT_UNWITNESSED) return report;
  const worst = report.problems.find(({ exit }) => exit === report.exit);
  throw new Fault(
    'LEDGER_INTEGRITY',
    `the log does not verify (exit ${report.exit}, ${worst?.code ?? 'unknown'}): nothing is removed`,
  );
}

/** Waits until a checkpoint covers the message. Throws LEDGER_UNAVAILABLE when none does in time; then nothing was removed. */
async function untilCovered(log: LogFolder, seq: number, withinMs: number): Promise<void> {
  const deadline = performance.now() + withinMs;
  for (let before = -1; ;) {
    const size = await sizeOf(log);
    if (size > before && (await covers(log, size, seq))) return;
    before = size;
    if (performance.now() > deadline)
      throw new Fault('LEDGER_UNAVAILABLE', 'the record of the removal was not sealed in time: the log stays as it is');
    await sleep(LOOK_EVERY_MS);
  }
}

/** Leaves of the newest checkpoint. */
async function sizeOf(log: LogFolder): Promise<number> {
  const note = String(await log.read(LOG_FILES.checkpoint));
  return parseCheckpoint(`${note.split('\n\n', 1)[0] ?? ''}\n`).size;
}

async function covers(log: LogFolder, size: number, seq: number): Promise<boolean> {
  for await (const line of sealedLines(log, size)) if (line.seq === seq) return true;
  return false;
}
