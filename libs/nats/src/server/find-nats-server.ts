import { Fault, messageOf } from '#writ/faults';
import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { fetchFromDebian, fetchFromDocker, fetchRelease, type FetchNatsServer } from './fetch-nats-server.js';
import { cacheDirectories, cachedServer, storeInCache, type FoundNatsServer } from './server-cache.js';
import { checkNatsServerVersion } from './version.js';

export interface FindNatsServerOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Root of the installed package: its `.writ/cache` is the second choice for the cache, and its scripts are run. */
  readonly packageRoot: string;
  readonly log: (line: string) => void;
  /** Where a server is fetched from when this machine has none; the sources of `fetch-nats-server.ts` unless given. */
  readonly sources?: readonly FetchNatsServer[];
}

const VERSION_TIMEOUT_MS = 5_000;

/**
 * A nats-server that is new enough: `WRIT_NATS_SERVER`, then PATH, then the cache, then fetched into the cache from Debian, the
 * official release or Docker. A server named by hand that does not do is an error; all others are passed over, and why is logged.
 */
export async function findNatsServer(options: FindNatsServerOptions): Promise<FoundNatsServer> {
  const named = options.env['WRIT_NATS_SERVER'];
  if (named !== undefined && named !== '') return checkServer(named);
  const tooOld: Fault[] = [];
  for (const candidate of await serversOnPath(options.env['PATH'] ?? '')) {
    const server = await checkServer(candidate).catch((error: unknown) => {
      if (error instanceof Fault && error.code === 'CONFIG_NATS_SERVER_OLD') tooOld.push(error);
      options.log(`${candidate}: ${messageOf(error)}`);
    });
    if (server !== undefined) return server;
  }
  const directories = cacheDirectories(options);
  const cached = await cachedServer(directories, checkServer, options.log);
  return cached ?? (await fetchServer(options, directories, tooOld[0]));
}

async function fetchServer(
  options: FindNatsServerOptions,
  directories: readonly string[],
  tooOld: Fault | undefined,
): Promise<FoundNatsServer> {
  const reasons: string[] = [];
  for (const fetchFrom of options.sources ?? [fetchFromDebian, fetchRelease, fetchFromDocker]) {
    try {
      return await storeInCache(directories, async (draftDir) => {
        const binary = await fetchFrom({ directory: draftDir, packageRoot: options.packageRoot, log: options.log });
        return checkServer(binary);
      });
    } catch (error) {
      options.log(`${fetchFrom.name}: ${messageOf(error)}`);
      reasons.push(`${fetchFrom.name}: ${messageOf(error)}`);
    }
  }
  if (tooOld !== undefined) throw tooOld;
  throw new Fault(
    'CONFIG_NATS_SERVER_MISSING',
    'no nats-server was found and none could be fetched: install nats-server 2.15 (https://github.com/nats-io/nats-server/releases, ' +
      '`brew install nats-server`, or `docker cp` from the image `nats:2.15`) and put it on PATH or name it in `WRIT_NATS_SERVER`',
    { cause: new Error(reasons.join('; ')) },
  );
}

async function checkServer(binary: string): Promise<FoundNatsServer> {
  let text: string;
  try {
    text = (await promisify(execFile)(binary, ['--version'], { timeout: VERSION_TIMEOUT_MS })).stdout;
  } catch (cause) {
    throw new Fault('CONFIG_NATS_SERVER_MISSING', `\`${binary}\` does not run as a nats-server`, { cause });
  }
  return { binary, version: checkNatsServerVersion(text) };
}

async function serversOnPath(path: string): Promise<string[]> {
  const found: string[] = [];
  for (const directory of path.split(delimiter).filter((each) => each !== '')) {
    const file = join(directory, 'nats-server');
    const isThere = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) found.push(file);
  }
  return found;
}
