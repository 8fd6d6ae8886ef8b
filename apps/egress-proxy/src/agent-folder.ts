import { createHash, timingSafeEqual } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Agent, type AgentProfile, connectAgent, type EgressInit, loadProfile, proxyToken } from '#writ/agent-sdk';
import { AGENT_NAME } from '#writ/contracts';
import { messageOf } from '#writ/faults';
import { agentUri } from '#writ/local-ca';
import { parseUserNkey } from '#writ/nats';
import type { Agents, Claim, ProxiedAgent, ProxyLog } from './ports.js';
import { turnEnd } from './turn-end.js';

interface FolderOptions {
  /** Holds a profile `NAME.json` for each agent that may use the proxy. */
  readonly directory: string;
  readonly tenant: string;
  /** The profile of an agent is gone, or has another key: nothing that it began goes on. */
  readonly onGone: (agent: string) => void;
  readonly log: ProxyLog;
}

/** A profile that came, changed or went counts so long after it did. */
const LOOK_EVERY_MS = 500;
/** A tunnel answers when it is over; by then whoever asked has long been told that it is open. */
const CONNECT_WITHIN_MS = 20_000;

/** The agents of a folder of profiles: those whose files are in it now. */
export class AgentFolder implements Agents {
  readonly #members = new Map<string, Member>();
  readonly #skipped = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: FolderOptions) {}

  /** Reads the folder, and again now and then until `close`. Throws when there is no such folder. */
  async open(): Promise<void> {
    await this.#look();
    const again = () =>
      void this.#look()
        .catch((error: unknown) => this.options.log.warn({ detail: messageOf(error) }, 'the agents cannot be read'))
        .finally(() => (this.#timer = setTimeout(again, LOOK_EVERY_MS).unref()));
    this.#timer = setTimeout(again, LOOK_EVERY_MS).unref();
  }

  byName(name: string): ProxiedAgent | undefined {
    return this.#members.get(name);
  }

  byClaim({ agent, token }: Claim): ProxiedAgent | undefined {
    const shown = digestOf(token);
    // All are compared, and each in constant time: how long it takes says nothing of any token.
    const [found] = [...this.#members.values()].filter((member) => timingSafeEqual(member.token, shown));
    return agent === undefined || found?.name === agent ? found : undefined;
  }

  byCertificate(subjectAltName: string): ProxiedAgent | undefined {
    return [...this.#members.values()].find((member) => member.certified === subjectAltName);
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await Promise.all([...this.#members.values()].map((member) => member.close()));
  }

  async #look(): Promise<void> {
    const { directory } = this.options;
    const files = (await readdir(directory)).filter((file) => file.endsWith('.json'));
    const names = files.map((file) => file.slice(0, -'.json'.length)).filter((name) => AGENT_NAME.test(name));
    for (const name of this.#members.keys()) if (!names.includes(name)) this.#drop(name);
    for (const name of names) await this.#read(name);
  }

  async #read(name: string): Promise<void> {
    const file = join(this.options.directory, `${name}.json`);
    try {
      const { mtimeMs, size, ino } = await stat(file);
      const seen = `${mtimeMs} ${size} ${ino}`;
      const known = this.#members.get(name);
      if (known?.seen === seen) return;
      const profile = await loadProfile(file);
      if (profile.name !== name) throw new Error(`the profile is that of \`${profile.name}\``);
      if (known !== undefined) this.#drop(name);
      this.#members.set(name, new Member(profile, { seen, tenant: this.options.tenant }));
      this.#skipped.delete(name);
    } catch (error) {
      // One damaged file is no reason to serve nobody, and none to serve the agent by what the file said before.
      this.#drop(name);
      if (!this.#skipped.has(name)) this.options.log.warn({ agent: name, detail: messageOf(error) }, 'no profile');
      this.#skipped.add(name);
    }
  }

  #drop(name: string): void {
    const member = this.#members.get(name);
    if (member === undefined) return;
    this.#members.delete(name);
    this.options.onGone(name);
    void member.close();
  }
}

/** One agent. Its connection is made at its first request. */
class Member implements ProxiedAgent {
  readonly name: string;
  readonly token: Buffer;
  /** The alternative names of its certificates. */
  readonly certified: string;
  /** What its file looked like. */
  readonly seen: string;
  readonly #turnEnd = turnEnd();
  #connection: Promise<Agent> | undefined;

  constructor(
    private readonly profile: AgentProfile,
    { seen, tenant }: { readonly seen: string; readonly tenant: string },
  ) {
    this.name = profile.name;
    this.seen = seen;
    this.token = digestOf(proxyToken(profile));
    this.certified = `URI:${agentUri({ tenant, name: profile.name, key: parseUserNkey(profile.seed).publicKey })}`;
  }

  async fetch(url: string, init: EgressInit, call: string) {
    // Requests come by a connection each. Sent one by one they would be a message, a block and a signature each all the way down.
    await this.#turnEnd();
    return (await this.#agent()).egress(url, init, { call });
  }

  async connect(host: string, port: number, call: string) {
    return (await this.#agent()).connect(host, port, { call, timeoutMs: CONNECT_WITHIN_MS });
  }

  async close(): Promise<void> {
    const agent = await this.#connection?.catch(() => undefined);
    await agent?.close();
  }

  #agent(): Promise<Agent> {
    if (this.#connection !== undefined) return this.#connection;
    const connection = connectAgent(this.profile);
    this.#connection = connection;
    // The next request tries again.
    connection.catch(() => (this.#connection = undefined));
    return connection;
  }
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
