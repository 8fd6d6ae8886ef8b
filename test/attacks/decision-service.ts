import type { BusMessage } from '#writ/nats';
import { DecideHandler } from '../../apps/policy-decision/src/decide.handler.js';
import { CallProgress } from '../../apps/policy-decision/src/call-progress.js';
import { Calls } from '../../apps/policy-decision/src/calls.js';
import { Decider } from '../../apps/policy-decision/src/decider.js';
import { firstEpoch } from '../../apps/policy-decision/src/deciding-shard.fixture.js';
import { Explainer, type Recorded } from '../../apps/policy-decision/src/explainer.js';
import { PolicyErrors } from '../../apps/policy-decision/src/policy-errors.js';
import { Pools } from '../../apps/policy-decision/src/pools.js';
import type { DecidingShard } from '../../apps/policy-decision/src/ports.js';
import { Refusals, REQUEST_REFUSALS } from '../../apps/policy-decision/src/refusals.js';
import { StoredAnswers } from '../../apps/policy-decision/src/stored-answers.js';
import { type Rules, rulesOf as makeRules } from '#writ/authorisation';
import { type Catalogue, readCatalogue } from '#writ/catalogue';
import type { Answer, Command, Entry, EntryBody, PayloadValue } from '#writ/contracts';
import type { Fault } from '#writ/faults';
import { type AppendOptions, PayloadSealer } from '#writ/ledger-client';
import {
  bundleHash,
  compilePolicies,
  type PolicyBundle,
  policyEntities,
  type PolicySet,
  type PolicySource,
} from '#writ/policy';
import { TenantKeys } from '#writ/vault';
import { pino } from 'pino';
import { MemoryPayloads } from '../harness/memory-logs.js';

const NOW = Date.parse('2026-11-22T10:00:00Z');
/** What makes pseudonyms of data subjects here. */
export const TENANT_KEYS = TenantKeys.create();
const REPLY = '_R_.aB3.cD4';

export function catalogueOf(yaml: string): Catalogue {
  return readCatalogue(yaml, { file: 'writ.yaml', baseDirectory: '.', environment: {} });
}

/** One tool, which two teams know of. */
export const CATALOGUE = catalogueOf(`
version: 1
ledger: test/default/0
agents: { support: { teams: [staff] }, intern: { teams: [interns] } }
tools:
  demo.echo:
    kind: function
    function: echo
    input: { type: object, required: [text], properties: { text: { type: string, maxLength: 1000 } } }
`);

/** What decisions are made from. */
export interface Declared {
  readonly catalogue: Catalogue;
  readonly policies: readonly PolicySource[];
}

export const STAFF_MAY_ECHO: PolicySource = {
  set: 'policies',
  id: 'staff-may-echo',
  file: 'policies/tools.cedar',
  line: 3,
  col: 1,
  text: 'permit (principal in Team::"staff", action == Action::"demo.echo", resource);',
  est: {
    effect: 'permit',
    principal: { op: 'in', entity: { type: 'Team', id: 'staff' } },
    action: { op: '==', entity: { type: 'Action', id: 'demo.echo' } },
    resource: { op: 'All' },
    conditions: [],
  },
  annotations: { id: 'staff-may-echo' },
};

const AGENTS = [
  { name: 'support', teams: ['staff'] },
  { name: 'intern', teams: ['interns'] },
];

/** The same set, which tells when it is searched for near misses: nothing else in a decision goes through all of its policies. */
export function telling(set: PolicySet, onSearch: () => void): PolicySet {
  return new Proxy(set, {
    get: (target, key) => {
      if (key === 'policies') onSearch();
      const member: unknown = Reflect.get(target, key, target);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
}

function rulesOf({ catalogue, policies }: Declared): Rules {
  const bundle: PolicyBundle = {
    v: 1,
    hash: bundleHash(policies, '4.0'),
    cedarVersion: '4.0',
    policies: [...policies],
  };
  const destinations = [...catalogue.destinations.values()].map(({ declaration }) => declaration);
  const tools = [...catalogue.tools.values()].map(({ name, declaration }) => ({ name, ...declaration }));
  const entities = policyEntities({ agents: AGENTS, tools, namespaces: [], destinations });
  return makeRules(catalogue, compilePolicies(bundle, entities), AGENTS);
}

/** A decision service with a ledger in memory: what it recorded, which commands it issued, what it answered. */
export class DecisionServiceInMemory {
  readonly recorded: Entry[] = [];
  readonly commands: Command[] = [];
  readonly calls: Calls;
  readonly progress: CallProgress;
  nowMs = NOW;
  /** Milliseconds by which the clock is later each time that it is read. */
  tickMs = 0;
  /** Appends are durable when this is resolved. */
  ledgerIsReady: Promise<void> = Promise.resolve();
  /** Set to let every append fail. */
  ledgerFault: Fault | undefined;
  readonly refusals: Refusals;
  /** What the log was told of policies that errored. */
  readonly warnings: Record<string, unknown>[] = [];
  readonly policyErrors = new PolicyErrors({ warn: (fields) => this.warnings.push(fields) }, () => this.nowMs);
  /** How often the policies in force at the start were searched for near misses. */
  searches = 0;
  /** Decisions that were offered to be explained. */
  readonly unexplained: Recorded[] = [];
  /** Whose values they are, by entry, where a subject is named. */
  readonly subjects = new Map<string, string>();
  /** The keys of the vault. */
  readonly payloads = new MemoryPayloads();
  readonly #values = new Map<string, readonly PayloadValue[]>();
  readonly #handler: DecideHandler;
  readonly #shard: DecidingShard;

  constructor(policies: readonly PolicySource[] = [STAFF_MAY_ECHO], catalogue = CATALOGUE) {
    this.calls = new Calls('default', catalogue.config.destinations);
    this.progress = new CallProgress(this.calls);
    const declared = rulesOf({ catalogue, policies });
    const rules = { ...declared, policies: telling(declared.policies, () => (this.searches += 1)) };
    const sealer = new PayloadSealer(this.payloads, TENANT_KEYS, { tenant: 'default', producer: 'pdp-0' });
    const shard: DecidingShard = {
      calls: this.calls,
      append: (body, values, options) => this.append(body, values, options),
      tokensOf: (holder) => sealer.heldTokens(holder, this.nowMs),
      epoch: firstEpoch(rules.policies.hash),
      rules,
      activation: undefined,
    };
    this.#shard = shard;
    const now = () => (this.nowMs += this.tickMs);
    this.refusals = new Refusals({ of: REQUEST_REFUSALS, append: shard.append, now, onLost: () => undefined });
    const decider = new Decider({
      tenant: 'default',
      shards: { of: () => shard },
      pools: presentPools(now),
      stored: new StoredAnswers(
        ({ id }) => Promise.resolve(this.#values.get(id)),
        (decision) => this.progress.of(decision),
      ),
      issue: (_subject, command) => {
        this.progress.watch(command);
        this.commands.push(command);
        return Promise.resolve();
      },
      policyErrors: this.policyErrors,
      explainer: { offer: (decided) => void this.unexplained.push(decided) },
      pseudonym: (subject) => TENANT_KEYS.pseudonym(subject),
      redaction: { hash: (kind, value) => TENANT_KEYS.redactionHash(kind, value) },
      now,
    });
    this.#handler = new DecideHandler(decider, () => this.refusals, pino({ level: 'silent' }));
  }

  /** Sends a body as the bus delivers it: the agent is what the bus authorised. */
  async send(agent: string, operation: string, body: unknown): Promise<Answer | undefined> {
    return this.sendText(agent, operation, JSON.stringify(body));
  }

  async sendText(agent: string, operation: string, text: string): Promise<Answer | undefined> {
    const answer = await this.#handler.handle({
      subject: `decide.0.default.${agent}.${operation}`,
      reply: REPLY,
      data: Buffer.from(text),
      status: 0,
      header: () => undefined,
      headerText: () => '',
    } satisfies BusMessage);
    return answer === undefined ? undefined : (JSON.parse(answer) as Answer);
  }

  /** Explains what was decided so far, as the service does when its answers are on their way. */
  async explain(): Promise<void> {
    const explainer = new Explainer({ warn: (fields) => this.warnings.push(fields) }, () => this.nowMs);
    for (const decided of this.unexplained.splice(0)) explainer.offer(decided);
    await explainer.close(10_000);
  }

  /** What is stored behind the commitments of an entry. */
  valuesOf(id: string): readonly PayloadValue[] | undefined {
    return this.#values.get(id);
  }

  /** Names the policies that decisions cite. */
  get bundle(): string | undefined {
    return this.#shard.epoch?.hash;
  }

  /** Leaves the shard without policies, as one whose chain is ahead of them. */
  withdrawPolicies(): void {
    this.#shard.rules = undefined;
  }

  /** Puts other rules in force, as an activation does: decisions that begin meanwhile wait until it is on record. */
  activate(declared: Declared, recorded: Promise<void>): Promise<void> {
    const rules = rulesOf(declared);
    this.#shard.activation = recorded.then(() => {
      Object.assign(this.#shard, { rules, epoch: { hash: rules.policies.hash, version: 2 }, activation: undefined });
    });
    return this.#shard.activation;
  }

  /** Puts an entry on record, also one of another producer. */
  async append(
    body: EntryBody,
    values?: readonly PayloadValue[],
    { producer = 'pdp-0', nowMs = this.nowMs, subject }: AppendOptions & { readonly producer?: string } = {},
  ) {
    await this.ledgerIsReady;
    if (this.ledgerFault !== undefined) throw this.ledgerFault;
    const n = this.recorded.length + 1;
    const id = String(n).padStart(26, '0');
    const ts = new Date(nowMs).toISOString();
    const prod = { id: producer, boot: 'A'.repeat(22), s: n };
    const entry = { ...body, v: 1, id, ts, ledger: 'test/default/0', ten: 'default', prod } as Entry;
    this.recorded.push(entry);
    if (values !== undefined) this.#values.set(id, values);
    if (values !== undefined && subject !== undefined) this.subjects.set(id, subject);
    return { seq: n, i: 0, id, entry, leaf: Buffer.alloc(32), text: JSON.stringify(entry) };
  }
}

/** Pools that were heard a moment ago. */
function presentPools(now: () => number): Pools {
  const pools = new Pools(now);
  const heartbeat = Buffer.from(JSON.stringify({ v: 1, instance: 'exec-tool-1', serves: [] }));
  const hear = (onMessage: (message: BusMessage) => void) => {
    for (const subject of ['pool.tool.default', 'pool.egress.default'])
      onMessage({
        subject,
        reply: undefined,
        data: heartbeat,
        status: 0,
        header: () => undefined,
        headerText: () => '',
      });
  };
  const bus = {
    subscribe: (_subject: string, { onMessage }: { onMessage: (message: BusMessage) => void }) => hear(onMessage),
  };
  pools.listen(bus as unknown as Parameters<Pools['listen']>[0]);
  return pools;
}
