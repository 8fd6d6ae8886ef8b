import type { BusMessage } from '#writ/nats';
import { DecideHandler } from '../../apps/policy-decision/src/decide.handler.js';
import { Calls } from '../../apps/policy-decision/src/calls.js';
import { Decider } from '../../apps/policy-decision/src/decider.js';
import { Pools } from '../../apps/policy-decision/src/pools.js';
import type { DecidingShard } from '../../apps/policy-decision/src/ports.js';
import { Refusals, REQUEST_REFUSALS } from '../../apps/policy-decision/src/refusals.js';
import { StoredAnswers } from '../../apps/policy-decision/src/stored-answers.js';
import { type Rules, rulesOf as makeRules } from '#writ/authorisation';
import { readCatalogue } from '#writ/catalogue';
import type { Answer, Command, Entry, EntryBody, PayloadValue } from '#writ/contracts';
import type { Fault } from '#writ/faults';
import { bundleHash, compilePolicies, type PolicyBundle, policyEntities, type PolicySource } from '#writ/policy';
import { pino } from 'pino';

const NOW = Date.parse('2026-11-22T10:00:00Z');
const REPLY = '_R_.aB3.cD4';

const CATALOGUE = readCatalogue(
  `
version: 1
ledger: test/default/0
agents: { support: { teams: [staff] }, intern: { teams: [interns] } }
tools:
  demo.echo:
    kind: function
    function: echo
    input: { type: object, required: [text], properties: { text: { type: string, maxLength: 1000 } } }
`,
  { file: 'writ.yaml', baseDirectory: '.', environment: {} },
);

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

function rulesOf(policies: readonly PolicySource[]): Rules {
  const bundle: PolicyBundle = {
    v: 1,
    hash: bundleHash(policies, '4.0'),
    cedarVersion: '4.0',
    policies: [...policies],
  };
  const tools = [...CATALOGUE.tools.values()].map(({ name, declaration }) => ({ name, ...declaration }));
  const entities = policyEntities({ agents: AGENTS, tools, namespaces: [], destinations: [] });
  return makeRules(CATALOGUE, compilePolicies(bundle, entities), AGENTS);
}

/** A decision service with a ledger in memory: what it recorded, which commands it issued, what it answered. */
export class DecisionServiceInMemory {
  readonly recorded: Entry[] = [];
  readonly commands: Command[] = [];
  readonly calls = new Calls('default');
  nowMs = NOW;
  /** Set to let every append fail. */
  ledgerFault: Fault | undefined;
  readonly refusals: Refusals;
  readonly #values = new Map<string, readonly PayloadValue[]>();
  readonly #handler: DecideHandler;

  constructor(policies: readonly PolicySource[] = [STAFF_MAY_ECHO]) {
    const rules = rulesOf(policies);
    const shard: DecidingShard = {
      calls: this.calls,
      append: (body, values) => this.append(body, values),
      epoch: { hash: rules.policies.hash, version: 1 },
      rules,
      activation: undefined,
    };
    const now = () => this.nowMs;
    this.refusals = new Refusals({ of: REQUEST_REFUSALS, append: shard.append, now, onLost: () => undefined });
    const decider = new Decider({
      tenant: 'default',
      shards: { of: () => shard },
      pools: presentPools(now),
      stored: new StoredAnswers(({ id }) => Promise.resolve(this.#values.get(id))),
      issue: (_subject, command) => {
        this.commands.push(command);
        return Promise.resolve();
      },
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

  /** Puts an entry on record, also one of another producer. */
  async append(body: EntryBody, values?: readonly PayloadValue[], producer = 'pdp-0') {
    if (this.ledgerFault !== undefined) throw this.ledgerFault;
    const n = this.recorded.length + 1;
    const id = String(n).padStart(26, '0');
    const ts = new Date(this.nowMs).toISOString();
    const prod = { id: producer, boot: 'A'.repeat(22), s: n };
    const entry = { ...body, v: 1, id, ts, ledger: 'test/default/0', ten: 'default', prod } as Entry;
    this.recorded.push(entry);
    if (values !== undefined) this.#values.set(id, values);
    return { seq: n, i: 0, id, entry, leaf: Buffer.alloc(32), text: JSON.stringify(entry) };
  }
}

/** Pools that were heard a moment ago. */
function presentPools(now: () => number): Pools {
  const pools = new Pools(now);
  const heartbeat = Buffer.from(JSON.stringify({ v: 1, instance: 'exec-tool-1', serves: [] }));
  const hear = (onMessage: (message: BusMessage) => void) =>
    onMessage({
      subject: 'pool.tool.default',
      reply: undefined,
      data: heartbeat,
      status: 0,
      header: () => undefined,
      headerText: () => '',
    });
  const bus = {
    subscribe: (_subject: string, { onMessage }: { onMessage: (message: BusMessage) => void }) => hear(onMessage),
  };
  pools.listen(bus as unknown as Parameters<Pools['listen']>[0]);
  return pools;
}
