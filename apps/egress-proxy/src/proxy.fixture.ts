import { once } from 'node:events';
import type { Server } from 'node:http';
import type { Server as TlsServer } from 'node:https';
import { connect, type AddressInfo, type Socket } from 'node:net';
import type { TlsOptions } from 'node:tls';
import { type AgentProfile, Denied, Failed, proxyToken, Refused } from '#writ/agent-sdk';
import { authorise, type Rules, rulesOf, type Verdict } from '#writ/authorisation';
import { type Catalogue, readCatalogue } from '#writ/catalogue';
import { type CommandBody, type Json, type JsonObject, parseActionRequest } from '#writ/contracts';
import { toFault } from '#writ/faults';
import { agentUri } from '#writ/local-ca';
import type { dialDecided } from '#writ/outbound';
import { bundleHash, compilePolicies, policyEntities, type PolicySource } from '#writ/policy';
import type { Agents, Claim, ProxiedAgent } from './ports.js';
import { listenForPrograms } from './program-sockets.js';
import { type Inspector, ProxyServer } from './proxy-server.js';
import { TunnelRunner } from './tunnel-runner.js';
import { Tunnels } from './tunnels.js';

const seedOf = (letter: string) => `SU${letter.repeat(56)}`;
/** Alice may fetch and connect; Bob is known and may nothing. */
const AGENTS = ['alice', 'bob'] as const;
type AgentName = (typeof AGENTS)[number];

/** The header that says who asks. */
export function tokenOf(agent: AgentName): string {
  const profile: Pick<AgentProfile, 'name' | 'seed'> = { name: agent, seed: seedOf(agent === 'alice' ? 'A' : 'B') };
  return proxyToken(profile);
}

/** What its certificate says. */
export const uriOf = (agent: AgentName) => agentUri({ tenant: 'default', name: agent, key: `U${agent}` });

export const basic = (agent: AgentName) =>
  `Proxy-Authorization: Basic ${Buffer.from(`${agent}:${tokenOf(agent)}`).toString('base64')}\r\n`;

const permits = (action: string): PolicySource => ({
  set: 'policies',
  id: `alice-${action}`,
  file: 'policies/egress.cedar',
  line: 1,
  col: 1,
  text: '',
  est: {
    effect: 'permit',
    principal: { op: '==', entity: { type: 'Agent', id: 'alice' } },
    action: { op: '==', entity: { type: 'Action', id: action } },
    resource: { op: 'All' },
    conditions: [],
  },
  annotations: { id: `alice-${action}` },
});

interface FixtureOptions {
  readonly destinations: string;
  readonly dial?: typeof dialDecided;
  readonly inspector?: Inspector;
  /** Absent: plain. */
  readonly tls?: TlsOptions;
  readonly tunnelsPerAgentMax?: number;
  /** What the destination answers; absent: 200 and the URL. */
  readonly answer?: (asked: Verdict) => Promise<Json>;
}

/** The proxy over a decision made in this process: what was decided, what was dispatched, and what came of tunnels. */
export class ProxyFixture implements AsyncDisposable {
  /** Requests that were permitted and so would be sent, as they would be. */
  readonly dispatched: JsonObject[] = [];
  /** Every request that was put to the policies or the rules before them. */
  readonly asked: JsonObject[] = [];
  readonly outcomes: Promise<Json>[] = [];
  /** Agents that have been removed. */
  readonly gone = new Set<string>();
  readonly tunnels: Tunnels;
  readonly #catalogue: Catalogue;
  readonly #rules: Rules;
  readonly #proxy: ProxyServer;
  readonly #server: Server | TlsServer;
  readonly #agents = this.#known();
  #port = 0;

  private constructor(private readonly options: FixtureOptions) {
    this.tunnels = new Tunnels(options.tunnelsPerAgentMax ?? 4);
    this.#catalogue = readCatalogue(
      `version: 1\nledger: test/default/0\negressProxy: {}\ndestinations:\n${options.destinations}`,
      { file: 'writ.yaml', baseDirectory: '.', environment: {} },
    );
    const policies = ['fetch', 'connect'].map(permits);
    const bundle = { v: 1, hash: bundleHash(policies, '4.0'), cedarVersion: '4.0', policies } as const;
    const agents = AGENTS.map((name) => ({ name, teams: [] }));
    const destinations = Object.values(this.#catalogue.config.destinations);
    const entities = policyEntities({ agents, tools: [], namespaces: [], destinations });
    this.#rules = rulesOf(this.#catalogue, compilePolicies(bundle, entities), agents);
    this.#proxy = new ProxyServer({
      agents: this.#agents,
      tunnels: this.tunnels,
      inspector: options.inspector,
      destinations: this.#catalogue.config.destinations,
      connectionsMax: 64,
      requestsPerAgentMax: 8,
      log: { info: () => undefined, warn: () => undefined },
    });
    this.#server = options.tls === undefined ? this.#proxy.bindable() : this.#proxy.bindableOverTls(options.tls);
  }

  static async start(options: FixtureOptions): Promise<ProxyFixture> {
    const fixture = new ProxyFixture(options);
    fixture.#server.listen(0, '127.0.0.1');
    await once(fixture.#server, 'listening');
    fixture.#port = (fixture.#server.address() as AddressInfo).port;
    return fixture;
  }

  get port(): number {
    return this.#port;
  }

  /** Listens for contained programs that act as the agents, each at a socket in a folder of its own. */
  listenForPrograms(agents: readonly AgentName[], directoryOf: (agent: string) => string): Promise<readonly Server[]> {
    const bindable = (agent: string) => this.#proxy.bindable(() => this.#agents.byName(agent));
    return listenForPrograms(agents, { directoryOf, bindable });
  }

  /** A connection to the proxy. */
  connect(): Socket {
    return connect(this.#port, '127.0.0.1').on('error', () => undefined);
  }

  /** Sends the bytes and gives all that comes until the proxy ends the connection. */
  async say(...writes: readonly string[]): Promise<string> {
    const socket = this.connect();
    await once(socket, 'connect');
    for (const bytes of writes) socket.write(bytes, 'latin1');
    let text = '';
    for await (const chunk of socket.setEncoding('latin1') as AsyncIterable<string>) text += chunk;
    return text;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.tunnels.stopAll();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #known(): Agents {
    const byName = new Map(AGENTS.map((name) => [name as string, this.#agent(name)]));
    return {
      byName: (name) => (this.gone.has(name) ? undefined : byName.get(name)),
      byCertificate: (names) => {
        const found = AGENTS.find((name) => names === `URI:${uriOf(name)}`);
        return found === undefined || this.gone.has(found) ? undefined : byName.get(found);
      },
      byClaim: ({ agent, token }: Claim) => {
        const owner = AGENTS.find((name) => tokenOf(name) === token);
        return owner === undefined || (agent ?? owner) !== owner ? undefined : byName.get(owner);
      },
    };
  }

  #agent(name: string): ProxiedAgent {
    return {
      name,
      fetch: async (url, init, call) => {
        const asked = { url, ...(init as JsonObject) };
        const verdict = this.#decide(name, 'egress.fetch', { call, ...asked });
        const output = (await this.options.answer?.(verdict)) ?? {
          status: 200,
          headers: {},
          body: String(verdict.args['url']),
        };
        return { callId: call, output, entry: 'E', redactions: [], labels: [] };
      },
      connect: async (host, port, call) => {
        const verdict = this.#decide(name, 'egress.connect', { call, host, port });
        const output = await this.#carry(commandOf(name, call, verdict));
        return { callId: call, output, entry: 'E', redactions: [], labels: [] };
      },
    };
  }

  /** As the decision service does it. */
  #decide(agent: string, kind: 'egress.fetch' | 'egress.connect', body: JsonObject): Verdict {
    this.asked.push(body);
    try {
      const { call: _, ...asked } = body;
      const request = parseActionRequest(kind, { v: 1, ...body });
      const caller = { agent, asked, session: { callsToday: 0 }, nowMs: Date.now() };
      const verdict = authorise(request, caller, this.#rules);
      if (verdict.decision.effect === 'forbid') throw new Denied('no', { code: verdict.decision.code });
      this.dispatched.push(verdict.args);
      return verdict;
    } catch (error) {
      if (error instanceof Denied) throw error;
      const { code, message } = toFault(error);
      throw new Refused(message, { code });
    }
  }

  async #carry(command: CommandBody): Promise<Json> {
    const dial = this.options.dial ?? (() => Promise.reject(new Error('nothing is dialled here')));
    const runner = new TunnelRunner(this.#catalogue, { tunnels: this.tunnels, dial, now: Date.now });
    const outcome = runner.run(command, new AbortController().signal).then(
      ({ output }) => output,
      (error: unknown) => {
        const { code, message } = toFault(error);
        throw new Failed(message, { code });
      },
    );
    this.outcomes.push(outcome);
    outcome.catch(() => undefined);
    return outcome;
  }
}

function commandOf(agent: string, call: string, { resource, dig, args }: Verdict): CommandBody {
  const [takeBy, finishBy] = [Date.now() + 5_000, Date.now() + 60_000];
  const head = { tenant: 'default', agent, call, kind: 'egress.connect', executor: 'tunnel' } as const;
  const rest = { delivery: 'once', pool: 'default', takeBy, finishBy, reply: '_R_.a.b' } as const;
  return { ...head, ...rest, obligations: [], resource, dig, args };
}
