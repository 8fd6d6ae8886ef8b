import { execFile } from 'node:child_process';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { EnvHttpProxyAgent, fetch } from 'undici';
import { sha256Of } from './server-cache.js';

/** Brings a nats-server into the directory and returns the path of the binary. Throws when the source has none for us. */
export type FetchNatsServer = (options: {
  readonly directory: string;
  readonly packageRoot: string;
  readonly log: (line: string) => void;
}) => Promise<string>;

const RELEASE = 'v2.15.1';
const RELEASES = 'https://github.com/nats-io/nats-server/releases/download';
const IMAGE = 'nats:2.15';
const FETCH_MS = 120_000;
const DOCKER_ANSWER_MS = 3_000;

const run = promisify(execFile);

/** Debian's own archive, through a private apt root: signature-checked by Debian's keyring, no root, nothing installed. */
export const fetchFromDebian: FetchNatsServer = async ({ directory, packageRoot, log }) => {
  log('fetching nats-server from Debian');
  const script = join(packageRoot, 'deploy', 'nats', 'fetch-debian.sh');
  await run('bash', [script, directory], { timeout: FETCH_MS });
  return join(directory, 'nats-server');
};

/**
 * The official release. The checksum comes from the release's own list, over https: that finds a damaged or swapped download,
 * but trusts whoever can publish a release.
 */
export const fetchRelease: FetchNatsServer = async ({ directory, log }) => {
  const name = `nats-server-${RELEASE}-${platformName()}`;
  log(`fetching ${name} from ${RELEASES}`);
  const sums = new TextDecoder().decode(await download(`${RELEASES}/${RELEASE}/SHA256SUMS`));
  const wanted = sums
    .split('\n')
    .map((line) => line.trim().split(/\s+\*?/))
    .find(([, file]) => file === `${name}.tar.gz`)?.[0];
  if (wanted === undefined) throw new Error(`the release has no checksum for \`${name}.tar.gz\``);
  const archive = join(directory, 'release.tar.gz');
  await writeFile(archive, await download(`${RELEASES}/${RELEASE}/${name}.tar.gz`));
  if ((await sha256Of(archive)) !== wanted) throw new Error('the download does not have the checksum of the release');
  await run('tar', ['-xzf', archive, '-C', directory, `${name}/nats-server`]);
  return join(directory, name, 'nats-server');
};

/** The official image, when a Docker daemon answers: the binary in it is static and is copied out. */
export const fetchFromDocker: FetchNatsServer = async ({ directory, log }) => {
  if (process.platform !== 'linux') throw new Error('the image holds a Linux binary');
  await run('docker', ['version'], { timeout: DOCKER_ANSWER_MS });
  log(`copying nats-server out of the image ${IMAGE}`);
  const container = (await run('docker', ['create', IMAGE], { timeout: FETCH_MS })).stdout.trim();
  const binary = join(directory, 'from-image');
  try {
    await run('docker', ['cp', `${container}:/nats-server`, binary], { timeout: FETCH_MS });
  } finally {
    await run('docker', ['rm', container]);
  }
  await chmod(binary, 0o755);
  return binary;
};

function platformName(): string {
  const machine = new Map([
    ['x64', 'amd64'],
    ['arm64', 'arm64'],
  ]).get(process.arch);
  if (machine === undefined || !['linux', 'darwin'].includes(process.platform)) {
    throw new Error(`there is no release that we know for ${process.platform} ${process.arch}`);
  }
  return `${process.platform}-${machine}`;
}

async function download(url: string): Promise<Uint8Array> {
  const response = await fetch(url, {
    dispatcher: new EnvHttpProxyAgent(),
    signal: AbortSignal.timeout(FETCH_MS),
  });
  if (!response.ok) throw new Error(`\`${url}\` answers ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}
