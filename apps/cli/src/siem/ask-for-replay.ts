import { LedgerName } from '#writ/contracts';
import { deploymentPaths, readReplayRequest, replayRequestFile, writeReplayRequest } from '#writ/deployment';
import { UsageError } from '../failure.js';
import { assertSinkHasRun } from './known-sink.js';

/**
 * Asks the exporter that works in this data directory to send a sink its entries once more. Throws UsageError when no such sink ever ran
 * there or gets entries again already, and CONFIG_DATA_DIR when the request cannot be written.
 */
export async function askForReplay(
  dataDir: string,
  sink: string,
  { from, ledger }: { readonly from: number; readonly ledger: string | undefined },
): Promise<void> {
  const paths = deploymentPaths(dataDir);
  assertSinkHasRun(paths, sink);
  const file = replayRequestFile(paths, sink);
  if ((await readReplayRequest(file)) !== undefined)
    throw new UsageError(`the sink \`${sink}\` is getting entries again already`);
  if (ledger !== undefined && !LedgerName.safeParse(ledger).success)
    throw new UsageError(`\`${ledger}\` is no name of a ledger`);
  await writeReplayRequest(file, { v: 1, from, ...(ledger !== undefined && { log: ledger }) });
}
