import { parse } from '#writ/contracts';
import type { DeploymentPaths } from '#writ/deployment';
import { Fault } from '#writ/faults';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const Process = z.object({
  name: z.string(),
  pid: z.int().min(1),
  /** Where `/healthz` and `/readyz` answer on loopback; null for nats-server and while a service starts. */
  healthPort: z.int().min(1).max(65_535).nullable(),
});

/** What a running `writ up` says about itself in `run/status.json`. */
export const RunStatus = z.object({
  url: z.string(),
  /** The supervisor. */
  pid: z.int().min(1),
  /** Absolute path of the configuration that it runs. */
  config: z.string(),
  /** Absolute path of the folder of its policies. */
  policies: z.string(),
  /** That of the policies that only oblige, when there is one. */
  obligations: z.string().optional(),
  processes: z.array(Process),
});
export type RunStatus = Readonly<z.infer<typeof RunStatus>>;
export type RunningProcess = RunStatus['processes'][number];

const statusFile = (paths: DeploymentPaths): string => join(paths.runDir, 'status.json');

/** Writes the status as a whole: a reader sees the old one or the new one. */
export async function writeRunStatus(paths: DeploymentPaths, status: RunStatus): Promise<void> {
  const file = statusFile(paths);
  const draft = `${file}.${process.pid}.draft`;
  await writeFile(draft, `${JSON.stringify(status, null, 2)}\n`, { mode: 0o600 });
  await rename(draft, file);
}

export async function removeRunStatus(paths: DeploymentPaths): Promise<void> {
  await rm(statusFile(paths), { force: true });
}

/** The status of the `writ up` that runs with this data directory; undefined when none does. */
export async function findRunStatus(paths: DeploymentPaths): Promise<RunStatus | undefined> {
  const text = await readFile(statusFile(paths), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const status = parse(RunStatus, parseJson(text), 'CONFIG_DATA_DIR_CORRUPT');
  // A supervisor that was killed leaves its status behind.
  return isAlive(status.pid) ? status : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Fault('CONFIG_DATA_DIR_CORRUPT', 'the file `run/status.json` is not JSON', { cause });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
