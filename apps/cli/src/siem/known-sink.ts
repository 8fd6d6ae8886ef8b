import type { DeploymentPaths } from '#writ/deployment';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../failure.js';

const SINK = /^[a-z0-9][a-z0-9-]{0,30}$/;

/** Throws UsageError when no sink of that name ever ran in the data directory. */
export function assertSinkHasRun({ siemDir, dataDir }: DeploymentPaths, sink: string): void {
  if (!SINK.test(sink) || !existsSync(join(siemDir, `${sink}.state.json`)))
    throw new UsageError(`no sink \`${sink}\` has run in \`${dataDir}\``);
}
