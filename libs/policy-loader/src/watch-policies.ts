import { setTimeout as sleep } from 'node:timers/promises';
import { type Fault, toFault } from '#writ/faults';
import type { PolicyBundle } from '#writ/policy';
import { type LoadOptions, loadPolicies } from './load-policies.js';
import { fingerprintOf } from './policy-files.js';

export interface WatchOptions extends LoadOptions {
  /** Hash of the bundle in use: a change that leads to the same bundle is none. */
  readonly current: string;
  readonly intervalMs?: number;
  /** A new bundle, loaded and checked. */
  readonly onBundle: (bundle: PolicyBundle) => void | Promise<void>;
  /** The files changed to something that cannot be loaded. The last good bundle stays in use. */
  readonly onRejected: (fault: Fault) => void | Promise<void>;
}

const INTERVAL_MS = 500;

/**
 * Watches a folder of policies until the signal says stop. It asks instead of being told, because notifications are lost on
 * network and container file systems; a change counts once nothing has moved for one interval, so half-written files do not.
 */
export async function watchPolicies(options: WatchOptions, signal: AbortSignal): Promise<void> {
  let { current } = options;
  // The bundle in use may be older than the files are now: what is found first counts as a change.
  let loaded: string | undefined;
  let seen: string | undefined;
  while (!signal.aborted) {
    const now = await fingerprintOf(options.directory).catch((thrown: unknown) => String(thrown));
    const isSettled = now === seen;
    seen = now;
    if (isSettled && now !== loaded) {
      loaded = now;
      current = await reload(options, current);
    }
    await sleep(options.intervalMs ?? INTERVAL_MS, undefined, { signal }).catch(() => undefined);
  }
}

async function reload(options: WatchOptions, current: string): Promise<string> {
  let bundle: PolicyBundle;
  try {
    bundle = await loadPolicies(options);
  } catch (thrown) {
    await options.onRejected(toFault(thrown));
    return current;
  }
  if (bundle.hash !== current) await options.onBundle(bundle);
  return bundle.hash;
}
