import { LEDGER_STREAM } from '#writ/contracts';
import { deploymentPaths, type DeploymentPaths } from '#writ/deployment';
import { findRunStatus, openOperator } from '#writ/operator';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { healthOf } from '../up/readiness.js';

const WITHIN_MS = 10_000;
const LOOK_EVERY_MS = 100;

/** What the sealer says of itself on `/readyz`. */
const SealerHealth = z.object({
  /** Stream sequence of the message that it takes next. */
  position: z.int(),
  /** Leaves that are under no checkpoint yet. */
  waiting: z.int(),
  refusal: z.string().optional(),
});
type SealerHealth = Readonly<z.infer<typeof SealerHealth>>;

/**
 * Waits until the log of a deployment that runs here holds every message that its ledger has now, for ten seconds at most. Returns at
 * once when none runs here; says why when the log stays behind.
 */
export async function untilSealed(dataDir: string, note: (line: string) => void): Promise<void> {
  const paths = deploymentPaths(dataDir);
  const status = await findRunStatus(paths);
  if (status === undefined) return;
  const operator = await openOperator({ dataDir, url: status.url });
  const { state } = await operator.streams.info(LEDGER_STREAM).finally(() => operator.close());
  const deadline = performance.now() + WITHIN_MS;
  for (;;) {
    const health = await ownerHealth(paths);
    if (health !== undefined && health.position > state.last_seq && health.waiting === 0) return;
    if (health?.refusal !== undefined) {
      note(`warning: the sealer signs nothing: ${health.refusal}`);
      return;
    }
    if (performance.now() > deadline) {
      note(`warning: the log does not hold everything up to message ${state.last_seq} of the ledger yet`);
      return;
    }
    await sleep(LOOK_EVERY_MS);
  }
}

/** What the sealer that owns the log says; undefined while none does. A standby has no position. Asked each time: another may own it. */
async function ownerHealth(paths: DeploymentPaths): Promise<SealerHealth | undefined> {
  const { processes = [] } = (await findRunStatus(paths)) ?? {};
  const ports = processes.flatMap(({ name, healthPort }) => (name.startsWith('ledger-') ? (healthPort ?? []) : []));
  const found = await Promise.all(ports.map(async (port) => SealerHealth.safeParse(await healthOf(port)).data));
  return found.find((health) => health !== undefined);
}
