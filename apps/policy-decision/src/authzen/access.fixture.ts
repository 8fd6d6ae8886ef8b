import { readCatalogue } from '#writ/catalogue';
import type { Entry, EntryBody, PayloadValue } from '#writ/contracts';
import type { Fault } from '#writ/faults';
import { internalOrigins } from '#writ/egress-rules';
import { compilePolicies, policyEntities } from '#writ/policy';
import { bundleOf } from '../../../../test/vectors/cedar-oracle.js';
import { Calls } from '../calls.js';
import { NOON } from '../entries.fixture.js';
import type { Rules } from '#writ/authorisation';
import type { Recorded } from '../explainer.js';
import { PolicyErrors } from '../policy-errors.js';
import { firstEpoch } from '../deciding-shard.fixture.js';
import type { DecidingShard } from '../ports.js';
import { AccessPoint, type Caller } from './access-point.js';

/** A catalogue, registered agents with their teams, and policies by id. */
export interface World {
  readonly yaml: string;
  readonly agents: Readonly<Record<string, readonly string[]>>;
  readonly policies: Readonly<Record<string, string>>;
}

export function rulesOf({ yaml, agents, policies }: World): Rules {
  const from = { file: 'writ.yaml', baseDirectory: '.', environment: {} };
  const catalogue = readCatalogue(`version: 1\nledger: test/default/0\n${yaml}`, from);
  const named = Object.entries(agents).map(([name, teams]) => ({ name, teams }));
  const tools = [...catalogue.tools.values()].map(({ name, declaration }) => ({ name, ...declaration }));
  const destinations = [...catalogue.destinations.values()].map(({ declaration }) => declaration);
  const namespaces = [...catalogue.namespaces.keys()];
  return {
    catalogue,
    policies: compilePolicies(bundleOf(policies), policyEntities({ agents: named, tools, namespaces, destinations })),
    internalOrigins: internalOrigins(catalogue.config.destinations),
    agents: named.length,
    knows: (agent) => Object.hasOwn(agents, agent),
  };
}

/** An access point with a ledger in memory. */
export class AccessInMemory {
  readonly recorded: Entry[] = [];
  readonly values: (readonly PayloadValue[])[] = [];
  readonly calls = new Calls('default');
  ledgerFault: Fault | undefined;
  isOwner = true;
  readonly policyErrors = new PolicyErrors({ warn: () => undefined }, () => NOON);
  readonly lost: string[] = [];
  /** Decisions that were offered to be explained. */
  readonly unexplained: Recorded[] = [];
  nowMs = NOON;
  readonly point: AccessPoint;

  constructor(world: World) {
    const rules = rulesOf(world);
    const { authzen } = rules.catalogue.config;
    const shard: DecidingShard = {
      calls: this.calls,
      append: (body, values) => this.#append(body, values),
      tokensOf: () => {
        throw new Error('no policy here asks for tokens');
      },
      epoch: firstEpoch(rules.policies.hash),
      rules,
      activation: undefined,
    };
    this.point = new AccessPoint({
      shard: () => (this.isOwner ? shard : undefined),
      mapping: { subjects: authzen?.subjects ?? [], actions: authzen?.actions ?? [] },
      policyErrors: this.policyErrors,
      explainer: { offer: (decided) => void this.unexplained.push(decided) },
      pseudonym: ({ type, id }) => `S-of-${type}-${id}`,
      now: () => this.nowMs,
      onLost: (error) => this.lost.push(error),
    });
  }

  async #append(body: EntryBody, values: readonly PayloadValue[] = []) {
    if (this.ledgerFault !== undefined) throw this.ledgerFault;
    const seq = this.recorded.length + 1;
    const id = String(seq).padStart(26, '0');
    const prod = { id: 'pdp-0', boot: 'A'.repeat(22), s: seq };
    const ts = new Date(NOON).toISOString();
    const entry = { ...body, v: 1, id, ts, ledger: 'test/default/0', ten: 'default', prod } as Entry;
    this.recorded.push(entry);
    this.values.push(values);
    return { seq, i: 0, id, entry, leaf: Buffer.alloc(32), text: JSON.stringify(entry) };
  }
}

export const gateway: Caller = {
  client: { name: 'gateway', canEvaluate: true, canExplain: false },
  requestId: 'req-1',
};
export const auditor: Caller = {
  client: { name: 'auditor', canEvaluate: true, canExplain: true },
  requestId: undefined,
};

/** One agent that may send mail inside, with a tool, a memory and a destination. */
export const MAIL_WORLD: World = {
  yaml: `
tools:
  mail.send:
    kind: function
    function: noop
    input:
      type: object
      required: [to, count]
      properties: { to: { type: string, maxLength: 100 }, count: { type: integer }, body: { type: string, maxLength: 100 } }
namespaces: { notes: {} }
destinations: { api: { origin: 'https://api.example.com', paths: [/v1] } }
`,
  agents: { support: ['staff'], intern: ['interns'] },
  policies: {
    'mail-inside': `@id("mail-inside") permit (principal in Team::"staff", action == Action::"mail.send", resource)
when { context.input.to like "*@example.com" && context.session.callsToday < 5 };`,
    'mail-flood': `@id("mail-flood") @reason_agent("not so many") forbid (principal, action == Action::"mail.send", resource)
when { context.input.count > 10 };`,
    'mail-masked': `@id("mail-masked") @obligations("[{\\"type\\":\\"redact\\",\\"target\\":\\"input\\",\\"paths\\":[\\"/body\\"]}]")
permit (principal == Agent::"intern", action == Action::"mail.send", resource);`,
    'own-notes': `@id("own-notes") permit (principal == Agent::"support", action == Action::"query", resource in Namespace::"notes")
when { resource.owner == principal.name };`,
    'all-notes': `@id("all-notes") permit (principal == Agent::"intern", action == Action::"query", resource in Namespace::"notes");`,
    fetch: `@id("fetch") permit (principal in Team::"staff", action == Action::"fetch", resource == Host::"api.example.com");`,
  },
};

export const mail = (to = 'a@example.com', more: object = {}) => ({
  subject: { type: 'agent', id: 'support' },
  action: { name: 'call' },
  resource: { type: 'tool', id: 'mail.send' },
  context: { input: { to, count: 1, ...more } },
});
