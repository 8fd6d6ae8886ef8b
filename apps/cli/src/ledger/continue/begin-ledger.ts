import { type Deployment, readTrustBundle } from '#writ/deployment';
import { carryOver, openOperator } from '#writ/operator';
import { Authority } from '#writ/signing';
import { endOfMessage } from '#writ/tlog';
import { LogFolder } from '../log-folder.js';
import { SealerRun } from './sealer-run.js';

export interface BeginOptions {
  readonly deployment: Deployment;
  readonly logDir: string;
  readonly binary: string;
  readonly configFile: string;
  readonly note: (line: string) => void;
}

/**
 * Begins the ledger of the trust bundle behind the one before it: its first entry names that one, then stands what readers need of it.
 * Both are sealed before anybody else writes. Call it again when it was interrupted. Throws LEDGER_*, and what starting throws.
 */
export async function beginLedger(options: BeginOptions): Promise<void> {
  const { deployment, logDir, note } = options;
  const { paths } = deployment;
  const { begins, ledger } = new Authority(await readTrustBundle(paths));
  const log = new LogFolder(logDir);
  const run = await SealerRun.start(deployment, options);
  try {
    // The sealer is the first to write: nobody else has the name of the ledger before its first entry is under a checkpoint.
    await run.until('signed', ({ head }) => (head?.size ?? 0) > 0);
    note(`\`${ledger}\` has begun`);
    const operator = await openOperator({ dataDir: paths.dataDir, url: run.url });
    const seq = await carryOver(operator).finally(() => operator.close());
    // If the process dies here the next try carries over the same once more.
    if (seq !== undefined) {
      await run.until('sealed', async ({ head }) => {
        const end = await endOfMessage(log, seq, begins);
        return end !== undefined && (head?.size ?? 0) >= end;
      });
    }
    note('what it needs of the one before is carried over');
  } finally {
    await run.stop();
  }
}
