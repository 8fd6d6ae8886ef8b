import { openBroker } from '#writ/credentials';
import { sendOutbound } from '#writ/outbound';
import type { Executor, ServiceContext } from '#writ/service-host';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { FetchRunner } from './fetch-runner.js';

/** Wires the egress executor. */
export function egressExecutor({ catalogue, settings }: ServiceContext): Executor {
  const credentials = openBroker(catalogue, { dataDir: settings.WRIT_DATA, send: sendOutbound });
  return {
    kind: 'egress',
    runner: new FetchRunner(catalogue, {
      credentials,
      send: sendOutbound,
      readFile: (path) => readFile(resolve(catalogue.baseDirectory, path), 'utf8'),
    }),
    isReady: () => true,
    close: () => Promise.resolve(),
  };
}
