import { deploymentPaths, readReplayRequest, replayRequestFile, writeReplayRequest } from '#writ/deployment';
import { UsageError } from '../failure.js';
import { assertSinkHasRun } from './known-sink.js';

/**
 * Asks the exporter that works in this data directory to send a sink its entries once more. Throws UsageError when no such sink ever ran
 * there or gets entries again already, and CONFIG_DATA_DIR when the request cannot be written.
 */
export async function askForReplay(dataDir: string, sink: string, from: number): Promise<void> {
  const paths = deploymentPaths(dataDir);
  assertSinkHasRun(paths, sink);
  const file = replayRequestFile(paths, sink);
  if ((await readReplayRequest(file)) !== undefined)
    throw new UsageError(`the sink \`${sink}\` is getting entries again already`);
  await writeReplayRequest(file, { v: 1, from });
}
