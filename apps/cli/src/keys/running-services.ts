import type { DeploymentPaths } from '#writ/deployment';
import { Fault } from '#writ/faults';
import { findRunStatus, type RunStatus } from '#writ/operator';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { healthOf } from '../up/readiness.js';

/** What a service says of the keys that it works with. The last three are those of a sealer. */
const KeyHealth = z.object({
  /** Id of its producer key, and version of its trust bundle. */
  key: z.string(),
  bundle: z.int(),
  head: z.object({ size: z.int().min(0) }).nullish(),
  /** Ids of the keys that signed the newest checkpoint. */
  signedBy: z.array(z.string()).optional(),
  /** Of a sealer: whether it waits for the one that owns the log. */
  standby: z.boolean().optional(),
});
export type KeyHealth = Readonly<z.infer<typeof KeyHealth>>;

const WITHIN_MS = 30_000;
const LOOK_EVERY_MS = 50;
const BUS = 'nats-server';

/** The status of the `writ up` that runs over this data directory. Throws CONFIG_NOT_RUNNING: a change of keys has to be on record. */
export async function runningWrit(paths: DeploymentPaths): Promise<RunStatus> {
  const running = await findRunStatus(paths);
  if (running !== undefined) return running;
  throw new Fault('CONFIG_NOT_RUNNING', `no \`writ up\` runs with the data directory \`${paths.dataDir}\``);
}

/** Waits until every service says what `holds` asks of it. `what` ends the sentence when they do not in time: CONFIG_NOT_RUNNING. */
export async function untilServices(
  paths: DeploymentPaths,
  what: string,
  holds: (health: KeyHealth, name: string) => boolean,
): Promise<void> {
  const deadline = performance.now() + WITHIN_MS;
  for (;;) {
    const late = await notYet(paths, holds);
    if (late === undefined) return;
    if (performance.now() > deadline) {
      throw new Fault(
        'CONFIG_NOT_RUNNING',
        `\`${late}\` did not ${what} in time: look at its log, then run this again`,
      );
    }
    await sleep(LOOK_EVERY_MS);
  }
}

/** What the sealer that owns the log says of its keys; undefined while none does. */
export async function sealerHealth(paths: DeploymentPaths): Promise<KeyHealth | undefined> {
  const { processes } = await runningWrit(paths);
  const sealers = processes.filter(({ name }) => name.startsWith('ledger-'));
  const found = await Promise.all(sealers.map(({ healthPort }) => keyHealth(healthPort)));
  return found.find((health) => health?.standby === false);
}

/** A service for which it does not hold, one that does not answer among them. */
async function notYet(
  paths: DeploymentPaths,
  holds: (health: KeyHealth, name: string) => boolean,
): Promise<string | undefined> {
  // Asked each time: a service that was started again has another port.
  const { processes } = await runningWrit(paths);
  for (const { name, healthPort } of processes) {
    if (name === BUS) continue;
    const health = await keyHealth(healthPort);
    if (health === undefined || !holds(health, name)) return name;
  }
  return undefined;
}

async function keyHealth(port: number | null): Promise<KeyHealth | undefined> {
  return port === null ? undefined : KeyHealth.safeParse(await healthOf(port)).data;
}
