import { assertAgentName } from '#writ/contracts';
import { connectAgent, NotPermitted, proxyToken, WritError } from '#writ/agent-sdk';
import {
  addAgent,
  type AgentProfile,
  deploymentPaths,
  type DeploymentPaths,
  listAgents,
  readProfile,
  removeAgent,
} from '#writ/deployment';
import { Fault, messageOf } from '#writ/faults';
import { findRunStatus, openOperator, recordIdentities, type RunStatus } from '#writ/operator';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { askHealth } from '../up/readiness.js';

/** What became of a change of the agents. `recorded`: it is in the ledger; otherwise the next `writ up` records it. */
export interface Changed {
  readonly name: string;
  readonly recorded: boolean;
}

const BUS_WITHIN_MS = 10_000;
const CONNECT_TIMEOUT_MS = 2_000;
const LOOK_EVERY_MS = 50;

/**
 * Makes an agent with a key of its own. When this resolves, a running Writ takes the key, knows the agent, and has the issue of
 * the key on record. Throws INPUT_BAD_NAME, CONFIG_NAME_TAKEN, CONFIG_DATA_DIR.
 */
export async function makeAgent(
  dataDir: string,
  name: string,
  teams: readonly string[],
): Promise<Changed & { readonly profile: string }> {
  [name, ...teams].forEach(assertAgentName);
  const paths = deploymentPaths(dataDir);
  assertDeployment(paths);
  const profile = await addAgent(paths, name, teams);
  const running = await findRunStatus(paths);
  if (running === undefined) return { name, profile, recorded: false };
  await untilBusSays('accepted', await readProfile(paths, name));
  await record(paths, running);
  return { name, profile, recorded: true };
}

/**
 * Takes an agent's identity away. When this resolves, a running Writ has dropped its connections, refuses its key and has that
 * on record. Throws CONFIG_NOT_FOUND.
 */
export async function unmakeAgent(dataDir: string, name: string): Promise<Changed> {
  const paths = deploymentPaths(dataDir);
  assertAgentName(name);
  assertDeployment(paths);
  // The key is read before its file is deleted: that it is refused is seen only by trying it.
  const profile = await readProfile(paths, name).catch(() => undefined);
  await removeAgent(paths, name);
  const running = await findRunStatus(paths);
  if (running === undefined) return { name, recorded: false };
  if (profile !== undefined) await untilBusSays('refused', profile);
  await record(paths, running);
  return { name, recorded: true };
}

export interface ListedAgent {
  readonly name: string;
  readonly teams: readonly string[];
  readonly key: string;
  /** Path of the profile file; null when it was moved away. */
  readonly profile: string | null;
}

/** The agents of a deployment, by name. */
export async function agentsOf(dataDir: string): Promise<readonly ListedAgent[]> {
  const paths = deploymentPaths(dataDir);
  assertDeployment(paths);
  return (await listAgents(paths)).map(({ name, teams, key }) => {
    const profile = paths.profile(name);
    return { name, teams, key, profile: existsSync(profile) ? profile : null };
  });
}

/** What the agent shows the egress proxy beside its name. Throws CONFIG_NOT_FOUND, CONFIG_DATA_DIR. */
export async function proxyTokenOf(dataDir: string, name: string): Promise<string> {
  const paths = deploymentPaths(dataDir);
  assertAgentName(name);
  assertDeployment(paths);
  return proxyToken(await readProfile(paths, name));
}

/** Throws CONFIG_DATA_DIR where nothing was ever started. */
export function assertDeployment({ dataDir, deploymentFile }: DeploymentPaths): void {
  if (existsSync(deploymentFile)) return;
  throw new Fault(
    'CONFIG_DATA_DIR',
    `there is no deployment in \`${dataDir}\`: start it once with \`writ up\`, or name another with \`--data\``,
  );
}

/** The running server reads its users again by itself; this waits until it did. */
async function untilBusSays(wanted: 'accepted' | 'refused', profile: AgentProfile): Promise<void> {
  const deadline = performance.now() + BUS_WITHIN_MS;
  for (;;) {
    const said = await tryKey(profile);
    if (said === wanted) return;
    if (performance.now() > deadline) {
      const why = typeof said === 'string' ? `the key is still ${said}` : messageOf(said);
      throw new Fault('CONFIG_NOT_RUNNING', `the bus did not take the change of \`${profile.name}\` in time: ${why}`);
    }
    await sleep(LOOK_EVERY_MS);
  }
}

/** What the bus says to the key; the error when it said nothing, as a server under load may. */
async function tryKey(profile: AgentProfile): Promise<'accepted' | 'refused' | Error> {
  try {
    const agent = await connectAgent(profile, { connectTimeoutMs: CONNECT_TIMEOUT_MS });
    await agent.close();
    return 'accepted';
  } catch (error) {
    if (!(error instanceof WritError)) throw error;
    return error instanceof NotPermitted ? 'refused' : error;
  }
}

async function record(paths: DeploymentPaths, running: RunStatus): Promise<void> {
  const operator = await openOperator({ dataDir: paths.dataDir, url: running.url });
  await recordIdentities(operator).finally(() => operator.close());
  await untilDecisionServicesKnow(paths, running);
}

/** The decision services read the registry on their own. Waiting for them spares the first call of a new agent a refusal. */
async function untilDecisionServicesKnow(paths: DeploymentPaths, { processes }: RunStatus): Promise<void> {
  const agents = (await listAgents(paths)).length;
  const ports = processes.flatMap(({ healthPort }) => (healthPort === null ? [] : [healthPort]));
  const deadline = performance.now() + BUS_WITHIN_MS;
  while (performance.now() < deadline) {
    const known = await Promise.all(ports.map(async (port) => (await askHealth(port))?.agents ?? agents));
    if (known.every((count) => count === agents)) return;
    await sleep(LOOK_EVERY_MS);
  }
}
