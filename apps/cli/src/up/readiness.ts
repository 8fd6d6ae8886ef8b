import { get } from 'node:http';
import { z } from 'zod';

/** What `/readyz` of a service says. The members below `ready` are those of a decision service. */
const Health = z.object({
  ready: z.boolean(),
  shardsOwned: z.array(z.int()).optional(),
  /** Pools that it hears, as `pool.<kind>.<pool>`. */
  pools: z.array(z.string()).optional(),
  /** How many agents it knows. */
  agents: z.int().optional(),
  /** Why it does not do its work, when it must not. */
  refusal: z.string().optional(),
  /** Of a sealer: whether it waits for the one that owns the log. */
  standby: z.boolean().optional(),
});
export type Health = Readonly<z.infer<typeof Health>>;

const TIMEOUT_MS = 2_000;

/** Asks a service on loopback; undefined when it does not answer, or not with what a service says. */
export async function askHealth(port: number): Promise<Health | undefined> {
  return Health.safeParse(await healthOf(port)).data;
}

/** What a service on loopback says of itself, unchecked; undefined when it does not answer. */
export function healthOf(port: number): Promise<unknown> {
  return new Promise((resolve) => {
    const request = get({ host: '127.0.0.1', port, path: '/readyz', timeout: TIMEOUT_MS, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => (text += part));
      response.on('error', () => resolve(undefined));
      response.on('end', () => resolve(parseJson(text)));
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(undefined));
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export interface NamedHealth {
  readonly name: string;
  readonly health: Health | undefined;
}

/**
 * What is still missing before a call can be decided and executed, in words; empty when nothing is. Every service is ready, every
 * shard and the log have an owner, and each owner of a shard hears every pool of executors. A sealer that refuses to sign is not waited for: calls go on,
 * and what they leave on record is there to be looked at.
 */
export function whatIsMissing(services: readonly NamedHealth[], shards: number, pools: readonly string[]): string[] {
  const missing = services
    .filter(({ health }) => health?.ready !== true && health?.refusal === undefined && health?.standby !== true)
    .map(({ name }) => `\`${name}\` is not ready`);
  const sealers = services.filter(({ health }) => health?.standby !== undefined);
  if (sealers.length > 0 && sealers.every(({ health }) => health?.standby)) missing.push('the log has no owner');
  const owners = services.filter(({ health }) => (health?.shardsOwned ?? []).length > 0);
  for (let shard = 0; shard < shards; shard++) {
    const isOwned = owners.some(({ health }) => health?.shardsOwned?.includes(shard));
    if (!isOwned) missing.push(`shard ${shard} has no owner`);
  }
  for (const { name, health } of owners) {
    const unheard = pools.filter((pool) => health?.pools !== undefined && !health.pools.includes(pool));
    missing.push(...unheard.map((pool) => `\`${name}\` hears nothing of \`${pool}\``));
  }
  return missing;
}
