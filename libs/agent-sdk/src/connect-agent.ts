import { Agent, type AgentOptions } from './agent.js';
import { connectAgentBus } from './agent-bus.js';
import { type AgentProfile, loadProfile } from './profile.js';

const CONNECT_TIMEOUT_MS = 5_000;

/**
 * Connects an agent with its profile, or with the path of its profile file. The connection comes back by itself after a loss.
 * Throws WritError PROFILE_INVALID, NotPermitted when the key is refused, Unavailable when no bus answers.
 */
export async function connectAgent(profile: string | AgentProfile, options: AgentOptions = {}): Promise<Agent> {
  const loaded = await loadProfile(profile);
  const bus = await connectAgentBus(loaded, options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS);
  return new Agent(loaded.name, bus, options);
}
