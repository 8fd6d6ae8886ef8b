import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, readdirSync } from 'node:fs';
import { chmod, copyFile, mkdtemp, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { freePort } from './free-port.js';
import { eventually } from './gateway.js';

/** PostgreSQL refuses to run as root: then it runs as `nobody`. */
const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;
const cache = isRoot ? '/var/cache' : (process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'));
/** `test/harness/fetch-postgresql.sh` puts it there. */
const FETCHED = join(cache, 'writ', 'postgresql');

/** PostgreSQL with pgvector as it lies on this machine. */
interface Installed {
  readonly binaries: string;
  readonly libraries: string;
}

/** Where PostgreSQL 15 or newer with pgvector is: fetched, or installed by Debian. Undefined when it is not there. */
export function findPostgresql(): Installed | undefined {
  for (const root of [FETCHED, '/']) {
    const versions = join(root, 'usr/lib/postgresql');
    for (const version of existsSync(versions) ? readdirSync(versions).filter((name) => Number(name) >= 15) : []) {
      if (!existsSync(join(root, 'usr/share/postgresql', version, 'extension', 'vector.control'))) continue;
      const libraries = ['usr/lib', 'lib'].flatMap((folder) => systemLibraries(join(root, folder)));
      return { binaries: join(versions, version, 'bin'), libraries: libraries.join(':') };
    }
  }
  return undefined;
}

function systemLibraries(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => /-linux-/.test(name))
    .map((name) => join(folder, name));
}

interface PostgresqlOptions {
  /** A directory with `server.pem` and `server.key`, as `makeCertificates` makes them: then it speaks TLS, and TCP alone. */
  readonly certificates?: string;
}

/** A server of a test, on a socket in a directory of its own, or by TLS on a port of 127.0.0.1. It is gone when it is disposed of. */
export class Postgresql implements AsyncDisposable {
  #child: ChildProcess | undefined;
  #said = '';

  private constructor(
    private readonly installed: Installed,
    private readonly directory: string,
    private readonly port: number | undefined,
  ) {}

  /**
   * A new server with a database `writ`, which has pgvector and belongs to the role `writ`: neither superuser nor beyond row-level
   * security. It counts the calls of functions and keeps nothing over a crash of the machine. Its order of texts is not that of code
   * points, so that whatever relies on its locale shows.
   */
  static async start({ certificates }: PostgresqlOptions = {}): Promise<Postgresql> {
    const installed = findPostgresql();
    if (installed === undefined) throw new Error('there is no PostgreSQL: guard the test with `findPostgresql()`');
    const directory = await mkdtemp(join(tmpdir(), 'writ-pg-'));
    const server = new Postgresql(installed, directory, certificates === undefined ? undefined : await freePort());
    for (const name of certificates === undefined ? [] : ['server.pem', 'server.key']) {
      await copyFile(join(certificates ?? '', name), join(directory, name));
      await chmod(join(directory, name), 0o600);
      if (isRoot) chownSync(join(directory, name), NOBODY, NOBODY);
    }
    if (isRoot) chownSync(directory, NOBODY, NOBODY);
    const locale = ['--locale=C', '--locale-provider=icu', '--icu-locale=en-US'];
    const [command, args] = server.#command('initdb', ['-D', join(directory, 'data'), '-U', 'postgres', '-E', 'UTF8']);
    execFileSync(command, [...args, '--auth=trust', '--no-sync', ...locale], { env: server.#env(), stdio: 'pipe' });
    await server.run();
    await server.admin('create role writ login nosuperuser nobypassrls');
    await server.admin('create database writ owner writ');
    await server.admin('create extension vector', 'writ');
    return server;
  }

  /** The URL of a role to a database; unless said otherwise, what Writ would be given. */
  url({ role = 'writ', database = 'writ', parameters = '' } = {}): string {
    const place = this.port === undefined ? `host=${encodeURIComponent(this.directory)}` : '';
    const authority = this.port === undefined ? '' : `127.0.0.1:${this.port}`;
    return `postgres://${role}@${authority}/${database}?${[place, parameters].filter(Boolean).join('&')}`;
  }

  /** Starts it, also over what was stopped or killed; resolves when it takes connections. */
  async run(): Promise<void> {
    const settings = {
      fsync: 'off',
      track_functions: 'all',
      jit: 'off',
      timezone: 'UTC',
      unix_socket_directories: this.directory,
      listen_addresses: this.port === undefined ? '' : '127.0.0.1',
      port: String(this.port ?? 5432),
      ...(this.port !== undefined && {
        ssl: 'on',
        ssl_cert_file: join(this.directory, 'server.pem'),
        ssl_key_file: join(this.directory, 'server.key'),
      }),
    };
    const given = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const [command, args] = this.#command('postgres', ['-D', join(this.directory, 'data'), ...given]);
    const child = spawn(command, args, { env: this.#env(), stdio: ['ignore', 'ignore', 'pipe'] });
    child.stderr?.on('data', (chunk: Buffer) => (this.#said += chunk.toString()));
    this.#child = child;
    await eventually(async () => {
      if (child.exitCode !== null) throw new Error(`PostgreSQL ended: ${this.#said}`);
      return this.admin('select 1').catch(() => undefined);
    }, 'a PostgreSQL that takes connections');
  }

  /** Ends it: at once, as a crash would, or after it has closed all connections. */
  async stop(signal: 'SIGINT' | 'SIGQUIT' = 'SIGINT'): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await ended;
  }

  /** Runs a statement as the superuser, whom row-level security does not bind. */
  async admin(statement: string, database = 'postgres', params: readonly unknown[] = []): Promise<readonly object[]> {
    const client = new Client({ host: this.directory, port: this.port ?? 5432, user: 'postgres', database });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return (await client.query<object>(statement, [...params])).rows;
    } finally {
      await client.end();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop('SIGQUIT');
    await rm(this.directory, { recursive: true, force: true });
  }

  /** A program of the server, by a user that it runs as; as root it also ends when these tests die. */
  #command(program: string, args: readonly string[]): [string, string[]] {
    const path = join(this.installed.binaries, program);
    if (!isRoot) return [path, [...args]];
    const user = ['--reuid', String(NOBODY), '--regid', String(NOBODY), '--clear-groups', '--pdeathsig', 'QUIT'];
    return ['setpriv', [...user, '--', path, ...args]];
  }

  #env(): NodeJS.ProcessEnv {
    return { PATH: process.env['PATH'], LD_LIBRARY_PATH: this.installed.libraries, LC_ALL: 'C' };
  }
}
