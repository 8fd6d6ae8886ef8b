import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { FETCHED_PACKAGES, libraryFoldersIn } from './fetched-packages.js';
import { freePort } from './free-port.js';
import { eventually } from './gateway.js';

/** The folder that is the root of its files: of the packages that `fetch-collectors.sh` unpacked, or of the machine. Undefined: no Squid. */
export function findSquid(): string | undefined {
  return [FETCHED_PACKAGES, '/'].find((root) => existsSync(join(root, 'usr/sbin/squid')));
}

/** Squid as a forward proxy without a cache, a log or an authentication, on a port of 127.0.0.1. */
export class Squid implements AsyncDisposable {
  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
  ) {}

  /** Starts it with a configuration in the directory; resolves when it listens, and throws with what it said when it does not. */
  static async start(root: string, directory: string): Promise<Squid> {
    const port = await freePort();
    const config = join(directory, 'squid.conf');
    await writeFile(config, configOf(root, { directory, port }));
    // In the foreground, so that its pid is the one that is measured and ended.
    const child = spawn(join(root, 'usr/sbin/squid'), ['-N', '-d', '0', '-f', config], {
      cwd: directory,
      env: { ...process.env, LD_LIBRARY_PATH: libraryFoldersIn(root).join(':') },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-2_000)));
    const squid = new Squid(child, `http://127.0.0.1:${port}`);
    try {
      await eventually(async () => {
        if (child.exitCode !== null) throw new Error(`squid ended:\n${said}`);
        return (await listens(port)) || undefined;
      }, 'a squid that listens');
    } catch (error) {
      await squid[Symbol.asyncDispose]();
      throw error;
    }
    return squid;
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill('SIGTERM');
    await new Promise((resolve) => this.child.once('exit', resolve));
  }
}

function configOf(root: string, { directory, port }: { readonly directory: string; readonly port: number }): string {
  const lines = [
    `http_port 127.0.0.1:${port}`,
    // Squid asks DNS from here, and what is asked of it stands in the file of hosts.
    'udp_incoming_address 127.0.0.1',
    'visible_hostname bench.writ.example',
    'http_access allow localhost',
    'http_access deny all',
    'cache deny all',
    'cache_mem 0',
    'access_log none',
    'cache_store_log none',
    // Whoever starts it as root finds it as another user, who may write nothing here: what is wrong is said on stderr.
    'cache_log /dev/null',
    'pid_filename none',
    'netdb_filename none',
    `coredump_dir ${directory}`,
    `mime_table ${join(root, 'usr/share/squid/mime.conf')}`,
    `icon_directory ${join(root, 'usr/share/squid/icons')}`,
    // The texts of its error pages come with another package, and nobody reads them here.
    `error_directory ${directory}`,
    `unlinkd_program ${join(root, 'usr/lib/squid/unlinkd')}`,
    'pinger_enable off',
    'shutdown_lifetime 0 seconds',
  ];
  return `${lines.join('\n')}\n`;
}

async function listens(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const isThere = await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
  });
  socket.destroy();
  return isThere;
}
