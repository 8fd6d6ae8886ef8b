import { deploymentPaths, readReplayRequest, replayRequestFile, writeReplayRequest } from '#writ/deployment';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../failure.js';

const SINK = /^[a-z0-9][a-z0-9-]{0,30}$/;

/**
 * Asks the exporter that works in this data directory to send a sink its entries once more. Throws UsageError when no such sink ever ran
 * there or gets entries again already, and CONFIG_DATA_DIR when the request cannot be written.
 */
export async function askForReplay(dataDir: string, sink: string, from: number): Promise<void> {
  const paths = deploymentPaths(dataDir);
  if (!SINK.test(sink) || !existsSync(join(paths.siemDir, `${sink}.state.json`)))
    throw new UsageError(`no sink \`${sink}\` has run in \`${paths.dataDir}\``);
  const file = replayRequestFile(paths, sink);
  if ((await readReplayRequest(file)) !== undefined)
    throw new UsageError(`the sink \`${sink}\` is getting entries again already`);
  await writeReplayRequest(file, { v: 1, from });
}
