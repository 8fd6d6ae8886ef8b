import { Fault, messageOf } from '#writ/faults';
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

export interface FoundNatsServer {
  readonly binary: string;
  readonly version: string;
}

const WRITABLE_BY_OTHERS = 0o022;

/** Where fetched servers are kept, best first: in the user's cache, which outlives a checkout, else beside the package. */
export function cacheDirectories(options: {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly packageRoot: string;
}): readonly string[] {
  const named = options.env['XDG_CACHE_HOME'];
  const userCache = named !== undefined && named.startsWith('/') ? named : join(homedir(), '.cache');
  return [join(userCache, 'writ', 'nats-server'), join(options.packageRoot, '.writ', 'cache', 'nats-server')];
}

/** The newest whole server of the cache: its SHA-256 is the one that was stored with it. */
export async function cachedServer(
  directories: readonly string[],
  check: (binary: string) => Promise<FoundNatsServer>,
  log: (line: string) => void,
): Promise<FoundNatsServer | undefined> {
  for (const directory of directories) {
    const entries = await readdir(directory).catch(() => []);
    for (const entry of entries
      .filter((name) => !name.startsWith('.'))
      .toSorted()
      .toReversed()) {
      try {
        await assertWhole(join(directory, entry));
        return await check(join(directory, entry, 'nats-server'));
      } catch (error) {
        log(`the cached server ${join(directory, entry)} is passed over: ${messageOf(error)}`);
      }
    }
  }
  return undefined;
}

/**
 * Has a server fetched into a fresh directory and moves that into the cache in one step, so that two processes that fetch at
 * once both end with a whole server.
 */
export async function storeInCache(
  directories: readonly string[],
  fetchInto: (draftDirectory: string) => Promise<FoundNatsServer>,
): Promise<FoundNatsServer> {
  const directory = await firstWritable(directories);
  const draft = join(directory, `.${randomBytes(6).toString('hex')}`);
  await mkdir(draft, { mode: 0o755 });
  try {
    const { binary, version } = await fetchInto(draft);
    await rename(binary, join(draft, 'nats-server'));
    await writeFile(join(draft, 'sha256'), `${await sha256Of(join(draft, 'nats-server'))}\n`);
    const entry = join(directory, `${version}-${randomBytes(4).toString('hex')}`);
    await rename(draft, entry);
    return { binary: join(entry, 'nats-server'), version };
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

async function firstWritable(directories: readonly string[]): Promise<string> {
  for (const directory of directories) {
    try {
      await mkdir(directory, { recursive: true });
      const probe = join(directory, `.${randomBytes(6).toString('hex')}`);
      await mkdir(probe);
      await rm(probe, { recursive: true });
      return directory;
    } catch {
      // The next one may do: a read-only home, or a package that another user installed.
    }
  }
  throw new Fault('CONFIG_NATS_SERVER_MISSING', `no cache directory can be written: ${directories.join(', ')}`);
}

async function assertWhole(entry: string): Promise<void> {
  const file = join(entry, 'nats-server');
  const { mode } = await stat(file);
  if ((mode & WRITABLE_BY_OTHERS) !== 0) throw new Error('others may write to it');
  const stored = (await readFile(join(entry, 'sha256'), 'utf8')).trim();
  if ((await sha256Of(file)) !== stored) throw new Error('its SHA-256 is not the one that was stored with it');
}

/** SHA-256 of a file in hex. */
export async function sha256Of(file: string): Promise<string> {
  const digest = createHash('sha256');
  await pipeline(createReadStream(file), digest);
  return digest.digest('hex');
}
