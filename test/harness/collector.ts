import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { FETCHED_PACKAGES, foldersIn, libraryFoldersIn } from './fetched-packages.js';
import { eventually } from './gateway.js';

type CollectorKind = 'rsyslog' | 'syslog-ng';

/** A collector of Debian as it lies on this machine. */
interface Installed {
  readonly binary: string;
  readonly modules: string;
  readonly libraries: string;
}

const PROGRAMS = { rsyslog: 'rsyslogd', 'syslog-ng': 'syslog-ng' } as const;

/** Where the collector is: fetched, or installed with what its TLS and RELP need. Undefined when it is not there. */
export function findCollector(kind: CollectorKind): Installed | undefined {
  return [FETCHED_PACKAGES, '/'].map((root) => installedIn(root, kind)).find((found) => found !== undefined);
}

function installedIn(root: string, kind: CollectorKind): Installed | undefined {
  const binary = join(root, 'usr/sbin', PROGRAMS[kind]);
  if (!existsSync(binary)) return undefined;
  const systemLibraries = libraryFoldersIn(root);
  const modules =
    kind === 'rsyslog'
      ? systemLibraries.map((folder) => join(folder, 'rsyslog')).find((path) => existsSync(join(path, 'imrelp.so')))
      : foldersIn(join(root, 'usr/lib/syslog-ng'), /^[0-9]/)[0];
  if (modules === undefined) return undefined;
  return { binary, modules, libraries: [...systemLibraries, join(root, 'usr/lib/syslog-ng')].join(':') };
}

export interface CollectorOptions {
  readonly kind: CollectorKind;
  readonly protocol: 'relp' | 'syslog';
  /** Where its files are, and the certificates `ca`, `server` and `client` of `makeCertificates`. */
  readonly directory: string;
  readonly port: number;
}

/** One message as the collector understood it. */
export interface Collected {
  readonly sequence: number;
  readonly text: string;
}

/** rsyslog or syslog-ng on a port of 127.0.0.1, with TLS and the client's certificate asked for; it writes what it gets into a file. */
export class Collector {
  #child: ChildProcess | undefined;
  #said = '';

  constructor(
    private readonly installed: Installed,
    private readonly options: CollectorOptions,
  ) {}

  /** Starts it, also over what one that was killed left; resolves when it listens. */
  async start(): Promise<void> {
    const { directory, port, kind } = this.options;
    const { binary, modules, libraries } = this.installed;
    const at = (file: string) => join(directory, file);
    await writeFile(at('collector.conf'), kind === 'rsyslog' ? this.#rsyslogConfig() : this.#syslogNgConfig());
    const args =
      kind === 'rsyslog'
        ? ['-n', '-f', at('collector.conf'), '-i', at('pid'), '-M', modules]
        : ['-F', '--no-caps', '-f', at('collector.conf'), `--module-path=${modules}`].concat([
            '-R',
            at('persist'),
            '-p',
            at('pid'),
            '-c',
            at('control'),
          ]);
    const env = { ...process.env, LD_LIBRARY_PATH: libraries };
    const child = spawn(binary, args, { env, cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const output of [child.stdout, child.stderr]) output.on('data', (text) => (this.#said += String(text)));
    this.#child = child;
    await eventually(async () => {
      if (child.exitCode !== null) throw new Error(`${kind} ended:\n${this.#said}`);
      return (await isListening(port)) || undefined;
    }, `${kind} on port ${port}: ${this.#said}`);
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null) return;
    child.kill(signal);
    await new Promise((resolve) => child.once('close', resolve));
  }

  /** What it has written, in that order. A line begins anew and has an end: one that was cut by its death is left out. */
  async collected(): Promise<readonly Collected[]> {
    const file = join(this.options.directory, 'collected');
    const lines = (existsSync(file) ? await readFile(file, 'utf8') : '').split('\n').slice(0, -1);
    return lines.flatMap((line) => {
      const [, sequence, text = ''] = /^(\d+) (.*) \.$/.exec(line) ?? [];
      return sequence === undefined ? [] : [{ sequence: Number(sequence), text }];
    });
  }

  #rsyslogConfig(): string {
    const { protocol, port, directory } = this.options;
    const peers = '["writ.example"]';
    const relp =
      'module(load="imrelp" tls.tlslib="openssl")\n' +
      `input(type="imrelp" address="127.0.0.1" port="${port}" maxDataSize="128k" ruleset="writ" tls="on" tls.authMode="name" ` +
      `tls.caCert="${directory}/ca.pem" tls.myCert="${directory}/server.pem" tls.myPrivKey="${directory}/server.key" ` +
      `tls.permittedPeer=${peers})\n`;
    const tcp =
      `module(load="imtcp" streamDriver.name="ossl" streamDriver.mode="1" streamDriver.authMode="x509/name" permittedPeer=${peers})\n` +
      `input(type="imtcp" address="127.0.0.1" port="${port}" ruleset="writ")\n`;
    return (
      `global(workDirectory="${directory}" maxMessageSize="128k" net.enableDNS="off" ` +
      `defaultNetstreamDriverCAFile="${directory}/ca.pem" defaultNetstreamDriverCertFile="${directory}/server.pem" ` +
      `defaultNetstreamDriverKeyFile="${directory}/server.key")\n` +
      (protocol === 'relp' ? relp : tcp) +
      'template(name="line" type="string" string="\\n%structured-data:R,ERE,1,FIELD:seq=\\"([0-9]+)\\"--end% %msg:::drop-last-lf% .\\n")\n' +
      `ruleset(name="writ" queue.type="Direct") { action(type="omfile" file="${directory}/collected" template="line" queue.type="Direct") }\n`
    );
  }

  #syslogNgConfig(): string {
    const { port, directory } = this.options;
    return (
      `@version: ${configVersion(this.installed)}\n` +
      'options { log-msg-size(131072); use-dns(no); keep-hostname(yes); stats-freq(0); };\n' +
      `source s { syslog(ip(127.0.0.1) port(${port}) transport("tls") tls(key-file("${directory}/server.key") ` +
      `cert-file("${directory}/server.pem") ca-file("${directory}/ca.pem") peer-verify(required-trusted))); };\n` +
      `destination d { file("${directory}/collected" template("\${.SDATA.writ@32473.seq} \${MSG} .\\n")); };\n` +
      'log { source(s); destination(d); flags(flow-control); };\n'
    );
  }
}

function configVersion({ binary, libraries, modules }: Installed): string {
  const env = { ...process.env, LD_LIBRARY_PATH: libraries };
  const said = execFileSync(binary, ['--version', `--module-path=${modules}`], { env, encoding: 'utf8' });
  return /Config version: (\S+)/.exec(said)?.[1] ?? '3.38';
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
