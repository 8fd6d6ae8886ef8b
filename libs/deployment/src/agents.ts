import { AGENT_NAME, AgentName, assertAgentName, parse, subjects } from '#writ/contracts';
import { Fault } from '#writ/faults';
import { acquireLock, makePrivateDirectory, readFileIfPresent, writeFileAtomic } from '#writ/files';
import { createUserNkey } from '#writ/nats';
import { readdir, rm } from 'node:fs/promises';
import { z } from 'zod';
import type { DeploymentPaths } from './paths.js';

const PublicUserNkey = z.string().regex(/^U[A-Z2-7]{55}$/, 'must be a public user nkey');

const AgentRegistry = z.strictObject({
  v: z.literal(1),
  /** The address that profiles name; known once the server runs. */
  url: z.string(),
  agents: z.record(AgentName, z.strictObject({ key: PublicUserNkey, teams: z.array(AgentName).max(64) })),
  /** Agents that were removed by hand: a restart does not bring them back from the configuration. */
  removed: z.array(AgentName),
});
type AgentRegistry = Readonly<z.infer<typeof AgentRegistry>>;

/** An agent as the deployment knows it. Its seed is in its profile file alone. */
export interface RegisteredAgent {
  readonly name: string;
  readonly key: string;
  readonly teams: readonly string[];
}

/** What an agent connects with. */
export const AgentProfile = z.strictObject({
  url: z.string(),
  name: AgentName,
  inboxPrefix: z.string(),
  seed: z.string(),
});
export type AgentProfile = Readonly<z.infer<typeof AgentProfile>>;

const LOCK_WAIT_MS = 5_000;

/** The agents of a data directory, by name. Throws CONFIG_DATA_DIR_CORRUPT when the registry does not read. */
export async function listAgents(paths: DeploymentPaths): Promise<readonly RegisteredAgent[]> {
  const { agents } = await readRegistry(paths);
  return Object.keys(agents)
    .toSorted()
    .map((name) => ({ name, ...(agents[name] as { key: string; teams: string[] }) }));
}

/** Registers an agent and writes its profile file, the only place that ever holds its seed. Returns the file's path. */
export async function addAgent(paths: DeploymentPaths, name: string, teams: readonly string[]): Promise<string> {
  assertAgentName(name);
  teams.forEach(assertAgentName);
  return changeRegistry(paths, async (registry) => {
    if (registry.agents[name] !== undefined)
      throw new Fault('CONFIG_NAME_TAKEN', `there is an agent \`${name}\` already`);
    const key = await writeProfile(paths, name, registry.url);
    // If the process dies here the profile's key is known to nobody; adding the agent again writes another.
    return {
      registry: {
        ...registry,
        agents: { ...registry.agents, [name]: { key, teams: [...teams] } },
        removed: registry.removed.filter((each) => each !== name),
      },
      result: paths.profile(name),
    };
  });
}

/** Takes an agent out of the registry and deletes its profile file. The bus drops it when it reads its configuration again. */
export async function removeAgent(paths: DeploymentPaths, name: string): Promise<void> {
  assertAgentName(name);
  await changeRegistry(paths, async (registry) => {
    const { [name]: agent, ...agents } = registry.agents;
    if (agent === undefined) throw new Fault('CONFIG_NOT_FOUND', `there is no agent \`${name}\``);
    return { registry: { ...registry, agents, removed: [...registry.removed, name] }, result: undefined };
  });
  await rm(paths.profile(name), { force: true });
}

/** Brings the registry in line with the configuration: new agents are added, and the teams of known ones set. */
export async function takeOverAgents(
  paths: DeploymentPaths,
  configured: Readonly<Record<string, { readonly teams: readonly string[] }>>,
): Promise<void> {
  await changeRegistry(paths, async (registry) => {
    const agents = { ...registry.agents };
    for (const [name, { teams }] of Object.entries(configured)) {
      assertAgentName(name);
      if (registry.removed.includes(name)) continue;
      const key = agents[name]?.key ?? (await writeProfile(paths, name, registry.url));
      agents[name] = { key, teams: [...teams] };
    }
    return { registry: { ...registry, agents }, result: undefined };
  });
}

/** Makes an empty registry where there is none. */
export async function createRegistry(paths: DeploymentPaths, url: string): Promise<void> {
  await makePrivateDirectory(paths.agentsDir);
  await writeRegistry(paths, { v: 1, url, agents: {}, removed: [] });
}

/** Writes the server's address into the registry and into every profile file that is still here. */
export async function setBusUrl(paths: DeploymentPaths, url: string): Promise<void> {
  await changeRegistry(paths, async (registry) => {
    if (registry.url === url) return { registry, result: undefined };
    for (const file of await readdir(paths.agentsDir)) {
      const name = file.replace(/\.json$/, '');
      if (!AGENT_NAME.test(name) || !file.endsWith('.json')) continue;
      const profile = await readProfile(paths, name);
      await writeFileAtomic(paths.profile(name), profileText({ ...profile, url }));
    }
    return { registry: { ...registry, url }, result: undefined };
  });
}

/** The profile of an agent, or CONFIG_NOT_FOUND. */
export async function readProfile(paths: DeploymentPaths, name: string): Promise<AgentProfile> {
  const file = paths.profile(assertAgentName(name));
  const text = await readFileIfPresent(file);
  if (text === undefined) throw new Fault('CONFIG_NOT_FOUND', `there is no profile \`${file}\``);
  return parse(AgentProfile, parseJson(text, file), 'CONFIG_DATA_DIR_CORRUPT');
}

async function writeProfile(paths: DeploymentPaths, name: string, url: string): Promise<string> {
  const { seed, publicKey } = createUserNkey();
  await writeFileAtomic(
    paths.profile(name),
    profileText({ url, name, inboxPrefix: subjects.agentInboxPrefix(name), seed }),
  );
  return publicKey;
}

function profileText(profile: AgentProfile): string {
  return `${JSON.stringify(profile, null, 2)}\n`;
}

interface Change<T> {
  readonly registry: AgentRegistry;
  readonly result: T;
}

/** One change at a time, also between processes: `writ agent add` runs beside `writ up`. */
async function changeRegistry<T>(
  paths: DeploymentPaths,
  change: (registry: AgentRegistry) => Promise<Change<T>>,
): Promise<T> {
  const lock = await acquireLock(paths.agentsLock, LOCK_WAIT_MS);
  try {
    const before = await readRegistry(paths);
    const { registry, result } = await change(before);
    if (registry !== before) await writeRegistry(paths, registry);
    return result;
  } finally {
    await lock.release();
  }
}

async function readRegistry(paths: DeploymentPaths): Promise<AgentRegistry> {
  const text = await readFileIfPresent(paths.agentsFile);
  if (text === undefined) {
    throw new Fault('CONFIG_DATA_DIR_CORRUPT', `the registry of agents \`${paths.agentsFile}\` is missing`);
  }
  try {
    return parse(AgentRegistry, parseJson(text, paths.agentsFile), 'CONFIG_DATA_DIR_CORRUPT');
  } catch (cause) {
    throw new Fault('CONFIG_DATA_DIR_CORRUPT', `the registry of agents \`${paths.agentsFile}\` is damaged`, { cause });
  }
}

async function writeRegistry(paths: DeploymentPaths, registry: AgentRegistry): Promise<void> {
  await writeFileAtomic(paths.agentsFile, `${JSON.stringify(registry, null, 2)}\n`);
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Fault('CONFIG_DATA_DIR_CORRUPT', `\`${file}\` is not JSON`, { cause });
  }
}
