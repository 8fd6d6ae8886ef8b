import {
  beginContinuation,
  type Continuation,
  type Deployment,
  type LedgerEnd,
  nameNextLedger,
  readTrustBundle,
} from '#writ/deployment';
import { Fault } from '#writ/faults';
import { openOperator, recordFrozen } from '#writ/operator';
import { Authority, cosignedBy, type SigningKey, witnessesOf } from '#writ/signing';
import { endOfMessage, LOG_FILES, verifyLog } from '#writ/tlog';
import { readFile } from 'node:fs/promises';
import { LogFolder } from '../log-folder.js';
import { SealerRun } from './sealer-run.js';

const EXIT_INVALID = 40;

export interface EndOptions {
  readonly deployment: Deployment;
  readonly continuation: Continuation;
  readonly root: SigningKey;
  readonly logDir: string;
  readonly binary: string;
  readonly configFile: string;
  readonly note: (line: string) => void;
}

/**
 * Ends a ledger whose sealer agrees with its files, its stream and its witnesses; otherwise nothing is changed. The root key lets it end,
 * then come its last entry, the checkpoint over it with the cosignatures that the quorum asks for, everything handed on to exporters,
 * and the whole log verified. Call it again when it was interrupted. Throws LEDGER_UNAVAILABLE when sealer or witnesses take too long,
 * LEDGER_INTEGRITY when the log does not verify, CONFIG_KEY while a key is being replaced, and what starting throws.
 */
export async function endLedger(options: EndOptions): Promise<LedgerEnd> {
  const { deployment, continuation, root, note, logDir } = options;
  const { paths } = deployment;
  const log = new LogFolder(logDir);
  const { begins } = new Authority(await readTrustBundle(paths));
  const run = await SealerRun.start(deployment, options);
  let seq = 0;
  try {
    // What the sealer writes when it begins must stand before the end.
    await run.until('open', ({ ready }) => ready);
    await nameNextLedger(paths, root, continuation.as);
    await beginContinuation(paths, continuation);
    // If the process dies here, or after the line before, the ledger may end and has not: nothing starts, and the next try goes on.
    seq = await freeze(run.url, deployment, continuation);
    // If the process dies here the end is on record, and the next try finds it.
    note(`message ${seq} ends \`${continuation.from}\``);
    await run.until('sealed', async ({ frozen, head }) => {
      const size = await endOfMessage(log, seq, begins);
      return frozen === continuation.as && size !== undefined && head?.size === size;
    });
    note('the last checkpoint is signed');
    await run.until('handed on to exporters', ({ head, handedOn }) => handedOn >= (head?.size ?? Infinity));
    await run.until('cosigned by its quorum of witnesses', () => isCosigned(log, options));
  } finally {
    await run.stop();
  }
  return { seq, ...(await verifiedEnd(log, options)) };
}

async function freeze(url: string, { paths }: Deployment, { as, by, reason }: Continuation): Promise<number> {
  const { next } = await readTrustBundle(paths);
  if (next?.ledger !== as) throw new Fault('CONFIG_KEY', `the trust bundle does not let the ledger go on as \`${as}\``);
  const operator = await openOperator({ dataDir: paths.dataDir, url });
  const frozen = {
    type: 'ledger.frozen',
    next: as,
    key: next.key,
    by,
    ...(reason !== undefined && { reason }),
  } as const;
  return recordFrozen(operator, frozen).finally(() => operator.close());
}

async function isCosigned(log: LogFolder, { deployment }: EndOptions): Promise<boolean> {
  const { witnesses, quorum } = witnessesOf(await readTrustBundle(deployment.paths));
  if (quorum === 0) return true;
  return cosignedBy((await log.require(LOG_FILES.checkpoint)).toString('utf8'), witnesses).length >= quorum;
}

/** What is kept of a ledger that ended is what a stranger would find: verified as an auditor does it. */
async function verifiedEnd(log: LogFolder, options: EndOptions): Promise<Omit<LedgerEnd, 'seq'>> {
  const { deployment, continuation, note } = options;
  const rootVkey = (await readFile(deployment.paths.rootVkey, 'utf8')).trim();
  const onProgress = (done: number, size: number) => note(`${done} of ${size} entries verified`);
  const { exit, frozen, size, root, problems, quorum, witnessedSize } = await verifyLog(log, { rootVkey, onProgress });
  const worst = problems.find((problem) => problem.exit === exit);
  if (exit === EXIT_INVALID || frozen !== continuation.as) {
    const why = worst === undefined ? 'it has no end' : `${worst.code}: ${worst.message}`;
    throw new Fault('LEDGER_INTEGRITY', `the log in \`${log.directory}\` does not verify (exit ${exit}, ${why})`);
  }
  if (quorum > 0 && witnessedSize !== size)
    throw new Fault(
      'LEDGER_UNAVAILABLE',
      'the last checkpoint is not cosigned by the quorum of witnesses: run this again',
    );
  if (worst !== undefined && exit > 0) note(`warning: the log ends with exit ${exit}, ${worst.code}: ${worst.message}`);
  note(`the log of \`${continuation.from}\` is verified: ${size} entries`);
  return { size, root, checkpoint: (await log.require(LOG_FILES.checkpoint)).toString('utf8') };
}
