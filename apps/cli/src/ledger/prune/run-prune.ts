import { loadCatalogue } from '#writ/catalogue';
import { deploymentPaths, openDeployment, startBus } from '#writ/deployment';
import { Fault } from '#writ/faults';
import { findNatsServer } from '#writ/nats';
import { findRunStatus, openOperator } from '#writ/operator';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { PACKAGE_ROOT } from '../../package-root.js';
import { pruneLedger, type PruneReport } from './prune-ledger.js';
import { readPruneAnswer, writePruneRequest } from './prune-request.js';
import { retentionOf } from './retention.js';

export interface RunPruneOptions {
  /** Absolute path of writ.yaml, for a deployment that does not run: one that runs has read its own. */
  readonly config: string;
  readonly dataDir: string;
  readonly isDryRun: boolean;
  readonly note: (line: string) => void;
}

const LOOK_EVERY_MS = 200;
/** A log is verified before: 10 million entries take about a minute. */
const ANSWER_WITHIN_MS = 600_000;

/**
 * Removes the oldest of the ledger as the configuration asks for. A deployment that runs here is asked to do it; of one that is stopped
 * the stream alone is made smaller, because nobody seals the record that the log needs. Throws CONFIG_*, LEDGER_*.
 */
export async function runPrune(options: RunPruneOptions): Promise<PruneReport> {
  const paths = deploymentPaths(options.dataDir);
  const status = await findRunStatus(paths);
  if (status === undefined) return pruneStopped(options);
  const id = randomUUID();
  await writePruneRequest(paths, { v: 1, id, isDryRun: options.isDryRun });
  const deadline = performance.now() + ANSWER_WITHIN_MS;
  for (;;) {
    const report = await readPruneAnswer(paths, id);
    if (report !== undefined) return report;
    const isGone = (await findRunStatus(paths)) === undefined || performance.now() > deadline;
    if (isGone) throw new Fault('CONFIG_NOT_RUNNING', 'the `writ up` that was asked did not answer');
    await sleep(LOOK_EVERY_MS);
  }
}

async function pruneStopped({ config, dataDir, isDryRun, note }: RunPruneOptions): Promise<PruneReport> {
  const paths = deploymentPaths(dataDir);
  if (!existsSync(paths.deploymentFile))
    throw new Fault('CONFIG_DATA_DIR', `there is no deployment in \`${paths.dataDir}\``);
  const loaded = (await loadCatalogue(config, process.env)).config;
  const log = (line: string): void => note(`nats-server: ${line}`);
  const { binary } = await findNatsServer({ env: process.env, packageRoot: PACKAGE_ROOT, log });
  const local = { ...loaded, listen: { host: '127.0.0.1', port: 0 } };
  const deployment = await openDeployment({ dataDir, config: local });
  try {
    const bus = await startBus(deployment, { binary });
    try {
      const operator = await openOperator({ dataDir, url: bus.url });
      return await pruneLedger({
        operator,
        logDir: process.env['WRIT_LOG_DIR'] ?? paths.logDir,
        retention: retentionOf(loaded),
        isDryRun,
        nowMs: Date.now(),
        trim: (firstSeq) => bus.trimLedger(firstSeq),
        sealedWithinMs: 0,
      }).finally(() => operator.close());
    } finally {
      await bus.stop();
    }
  } finally {
    await deployment.close();
  }
}
