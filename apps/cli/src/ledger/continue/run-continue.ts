import { loadCatalogue, type WritConfig } from '#writ/catalogue';
import { LedgerName } from '#writ/contracts';
import {
  closedPlace,
  type Continuation,
  deploymentPaths,
  type DeploymentPaths,
  endContinuation,
  installNextLogKey,
  keepAside,
  openDeployment,
  readContinuation,
  readPublicKeys,
  readRootKey,
  readTrustBundle,
  renameLedger,
  signNextBundle,
} from '#writ/deployment';
import { Fault } from '#writ/faults';
import { findNatsServer } from '#writ/nats';
import { findRunStatus } from '#writ/operator';
import type { SigningKey } from '#writ/signing';
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { PACKAGE_ROOT } from '../../package-root.js';
import { beginLedger } from './begin-ledger.js';
import { endLedger } from './end-ledger.js';

export interface ContinueRequest {
  /** Absolute path of writ.yaml. It may have the name of the ledger that ends or of the one that goes on. */
  readonly config: string;
  readonly dataDir: string;
  /** Name of the ledger that goes on. */
  readonly as: string;
  readonly by: string;
  readonly reason?: string;
  /** File of the root key, when it is not in the data directory. */
  readonly rootKey: string | undefined;
  readonly note: (line: string) => void;
}

/** The ledger that ended, where its log is, and the key of the log that goes on, for its witnesses. */
export interface Continued {
  readonly from: string;
  readonly as: string;
  readonly size: number;
  readonly root: string;
  readonly log: string;
  readonly vkey: string;
}

/**
 * Ends the ledger of a stopped deployment for good and begins another one behind it. What an earlier try left half done is completed:
 * from when the ledger may end until the next one has begun nothing else starts. Throws CONFIG_INVALID,
 * CONFIG_DATA_DIR_LOCKED, CONFIG_NAME_TAKEN, CONFIG_DATA_DIR, CONFIG_KEY, LEDGER_*.
 */
export async function runContinue(request: ContinueRequest): Promise<Continued> {
  const { dataDir, note } = request;
  const paths = deploymentPaths(dataDir);
  await assertStopped(paths);
  const places = placesOf(paths);
  for (const place of [places.logDir, places.sealerDir]) await assertMovable(place);
  const continuation = await continuationOf(request, paths, places);
  const root = await readRootKey(paths, request.rootKey);
  const { config } = await loadCatalogue(request.config, process.env);
  const log = (line: string): void => note(`nats-server: ${line}`);
  const { binary } = await findNatsServer({ env: process.env, packageRoot: PACKAGE_ROOT, log });
  const parts: Parts = { paths, continuation, root, config, request, binary, ...places };
  if ((await readTrustBundle(paths)).ledger === continuation.from) await end(parts);
  // If the process dies here, or anywhere below, the bundle is that of the next ledger, and the next try goes on from here.
  await switchOver(parts);
  await begin(parts);
  const { closed = [] } = await readTrustBundle(paths);
  const { size = 0, root: rootHash = '' } = closed.at(-1) ?? {};
  const { log: vkey } = await readPublicKeys(paths);
  await endContinuation(paths);
  const { from, as } = continuation;
  return { from, as, size, root: rootHash, log: closedPlace(places.logDir, from), vkey };
}

interface Places {
  readonly logDir: string;
  readonly sealerDir: string;
}

interface Parts extends Places {
  readonly paths: DeploymentPaths;
  readonly continuation: Continuation;
  readonly root: SigningKey;
  readonly config: WritConfig;
  readonly request: ContinueRequest;
  readonly binary: string;
}

function placesOf(paths: DeploymentPaths): Places {
  return {
    logDir: process.env['WRIT_LOG_DIR'] ?? paths.logDir,
    sealerDir: process.env['WRIT_SEALER_DIR'] ?? paths.sealerDir,
  };
}

/** A process that runs has the name of its ledger in hand: it must not write another word under it. */
async function assertStopped(paths: DeploymentPaths): Promise<void> {
  if (!existsSync(paths.deploymentFile))
    throw new Fault('CONFIG_DATA_DIR', `there is no deployment in \`${paths.dataDir}\``);
  const status = await findRunStatus(paths);
  if (status === undefined) return;
  const message = `Writ runs with the data directory \`${paths.dataDir}\`: stop it first, \`kill -TERM ${status.pid}\``;
  throw new Fault('CONFIG_DATA_DIR_LOCKED', message);
}

/** Whole or not at all: a directory of another disk could be copied alone, and half of a copy is neither. */
async function assertMovable(place: string): Promise<void> {
  // What is not there was moved by an earlier try.
  if (!existsSync(place)) return;
  const [{ dev }, around] = [await stat(place), await stat(dirname(place))];
  if (dev === around.dev) return;
  throw new Fault(
    'CONFIG_DATA_DIR',
    `\`${place}\` is a disk of its own: it has to be a folder, to be moved aside as a whole`,
  );
}

/** What an earlier try began, or what is asked for now and may be. */
async function continuationOf(
  request: ContinueRequest,
  paths: DeploymentPaths,
  { logDir }: Places,
): Promise<Continuation> {
  const { as, by, reason } = request;
  const earlier = await readContinuation(paths);
  if (earlier?.as === as) return earlier;
  if (earlier !== undefined)
    throw new Fault(
      'CONFIG_DATA_DIR',
      `the ledger is going on as \`${earlier.as}\`: complete that first, \`--as ${earlier.as}\``,
    );
  const { success, error } = LedgerName.safeParse(as);
  if (!success) throw new Fault('CONFIG_INVALID', `the name \`${as}\` ${error.issues[0]?.message ?? 'is none'}`);
  const { ledger, closed = [], next } = await readTrustBundle(paths);
  const kept = [as, ledger].map((name) => closedPlace(logDir, name)).find((place) => existsSync(place));
  const isTaken = kept !== undefined || ledger === as || closed.some((each) => each.ledger === as);
  if (isTaken)
    throw new Fault('CONFIG_NAME_TAKEN', `\`${kept ?? as}\` is there, or was: each ledger has a name of its own`);
  if (next !== undefined && next.ledger !== as)
    throw new Fault('CONFIG_DATA_DIR', `the ledger is to go on as \`${next.ledger}\`: \`--as ${next.ledger}\``);
  return { v: 1, from: ledger, as, by, ...(reason !== undefined && { reason }) };
}

/** The ledger that ends, until it has ended for whoever has its bundle and for whoever has that of the next one. */
async function end(parts: Parts): Promise<void> {
  const { paths, root, continuation, request } = parts;
  const deployment = await openAs(parts, continuation.from);
  try {
    const { config: configFile, note } = request;
    const ended = await endLedger({ ...parts, deployment, configFile, note });
    await signNextBundle(paths, root, ended);
    note('the root key has signed the trust bundle of the next ledger');
  } finally {
    await deployment.close();
  }
}

/** Log, memory of the sealer and key of the ledger that ended go; each step is done once. */
async function switchOver({ paths, continuation, logDir, sealerDir, request }: Parts): Promise<void> {
  const { from, as } = continuation;
  await keepAside(logDir, from);
  await keepAside(sealerDir, from);
  await installNextLogKey(paths);
  await renameLedger(paths, as);
  request.note(`the log of \`${from}\` is in \`${closedPlace(logDir, from)}\``);
}

async function begin(parts: Parts): Promise<void> {
  const { continuation, request } = parts;
  const deployment = await openAs(parts, continuation.as);
  const { config: configFile, note } = request;
  await beginLedger({ ...parts, deployment, configFile, note }).finally(() => deployment.close());
}

/** Opened for this alone: on loopback, at a free port, whatever name the configuration has by now. */
function openAs({ config, paths }: Parts, ledger: string) {
  const own = { ...config, ledger, listen: { host: '127.0.0.1', port: 0 } };
  return openDeployment({ dataDir: paths.dataDir, config: own, isContinuing: true });
}
