import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { cosign, signTrustBundle, SigningKey, formatVkey, witnessKeyOf, type TrustBundle } from '#writ/signing';
import {
  growLog,
  Integrator,
  signCheckpoint,
  verifyLog,
  type Integrated,
  type LedgerMessage,
  type LogDirectory,
  type LogReport,
  type VerifyLogOptions,
} from '#writ/tlog';
import { makeDeployment } from './ledger-builder.js';
import { Authority } from '#writ/signing';

/** Files of a log by their paths. */
export type LogFiles = Map<string, Buffer>;

export interface LogBuilderOptions {
  /** A checkpoint after each so many messages, and at the end. */
  readonly checkpointEvery?: number;
  /** Witnesses that cosign each checkpoint, by name, and how many the bundle asks for. */
  readonly witnesses?: readonly string[];
  readonly quorum?: number;
  /** When they cosign a checkpoint of that size, in seconds since 1970. */
  readonly cosignedAt?: (size: number) => number;
  /** Another ledger than that of `makeDeployment`: its bundle, and the key of its log. */
  readonly of?: { readonly bundle: TrustBundle; readonly logKey: SigningKey };
}

// The time of every entry that the ledger builder makes.
const ENTRY_SECONDS = Date.parse('2026-11-22T05:30:00.123Z') / 1000;

/** A witness of the tests, by name: its key is from a fixed seed. */
export function witnessKey(name: string): SigningKey {
  return new SigningKey(`witness.test/${name}`, Buffer.alloc(32, `witness ${name}`));
}

/** The trust bundle of the tests with these witnesses, signed. */
export function bundleWith({ witnesses = [], quorum, of = makeDeployment() }: LogBuilderOptions): string {
  const { root } = makeDeployment();
  const { bundle } = of;
  const vkeys = witnesses.map((name) => ({ vkey: formatVkey(witnessKeyOf(witnessKey(name))) }));
  const named: TrustBundle = {
    ...bundle,
    ...(vkeys.length > 0 && { witnesses: vkeys }),
    ...(quorum !== undefined && { quorum }),
  };
  return signTrustBundle(root, named);
}

/** A log directory in memory, built from messages by the code that the product runs, growing checkpoint by checkpoint. */
export async function buildLog(messages: readonly LedgerMessage[], options: LogBuilderOptions = {}): Promise<LogFiles> {
  const { rootVkey } = makeDeployment();
  const { bundle } = options.of ?? makeDeployment();
  const files: LogFiles = new Map();
  const integrator = new Integrator(new Authority(bundle));
  let pending: Integrated[] = [];
  let before = { size: 0, messages: 0 };
  const every = options.checkpointEvery ?? Infinity;
  const read = async (path: string) => files.get(path) ?? Promise.reject(new Error(`${path} is not there`));
  for (const [index, message] of messages.entries()) {
    pending.push(integrator.integrate(message));
    if ((index + 1) % every !== 0 && index + 1 < messages.length) continue;
    for (const { path, bytes } of await growLog(before, pending, read)) files.set(path, bytes);
    before = { size: integrator.size, messages: before.messages + pending.length };
    pending = [];
    putCheckpoint(files, { size: before.size, root: integrator.root().toString('base64url') }, options);
  }
  if (messages.length === 0) putCheckpoint(files, { size: 0, root: integrator.root().toString('base64url') }, options);
  files.set('bundle', Buffer.from(bundleWith(options)));
  files.set('root.vkey', Buffer.from(`${rootVkey}\n`));
  return files;
}

/** Writes the files of a log into a directory. */
export async function writeLog(directory: string, files: ReadonlyMap<string, Buffer>): Promise<void> {
  for (const [path, bytes] of files) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), bytes);
  }
}

/** Signs a head and puts it into the log, with the cosignatures of its witnesses. */
export function putCheckpoint(
  files: LogFiles,
  head: { readonly size: number; readonly root: string },
  { witnesses = [], cosignedAt = () => ENTRY_SECONDS | 0, of = makeDeployment() }: LogBuilderOptions,
): void {
  const note = signCheckpoint({ origin: of.bundle.ledger, ...head }, of.logKey);
  const text = note.slice(0, note.indexOf('\n\n') + 1);
  const lines = witnesses.map((name) => `${cosign(text, witnessKey(name), cosignedAt(head.size))}\n`);
  const bytes = Buffer.from(note + lines.join(''));
  files.set(`checkpoints/${head.size}`, bytes);
  files.set('checkpoint', bytes);
}

/** A log directory that is in memory. */
export function directoryOf(files: ReadonlyMap<string, Buffer>): LogDirectory {
  return {
    // A copy: the verifier writes into what it was given.
    read: async (path) => {
      const bytes = files.get(path);
      return bytes === undefined ? undefined : Buffer.from(bytes);
    },
    list: async (folder) => [
      ...new Set(
        [...files.keys()]
          .filter((path) => path.startsWith(`${folder}/`))
          .map((path) => path.slice(folder.length + 1).split('/')[0] ?? ''),
      ),
    ],
    paths: async function* () {
      yield* files.keys();
    },
  };
}

/** Verifies a log in memory under the root key of the tests. */
export function verifyFiles(files: ReadonlyMap<string, Buffer>, options: VerifyLogOptions = {}): Promise<LogReport> {
  return verifyLog(directoryOf(files), { rootVkey: makeDeployment().rootVkey, ...options });
}
