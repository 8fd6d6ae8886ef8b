import type { JsonObject } from '#writ/contracts';
import { Fault } from '#writ/faults';
import type { Entity, EntityUid } from './bundle.js';
import { RECORD_TYPE } from './outcome.js';
import type { RecordAttributes } from './predicates.js';

/** What policies can be about: the catalogue and the registry of agents, as Cedar sees them. */
export interface PolicyModel {
  readonly agents: readonly { readonly name: string; readonly teams: readonly string[] }[];
  readonly tools: readonly {
    readonly name: string;
    readonly kind: string;
    readonly idempotent: boolean;
    /** JSON Schema of the arguments. */
    readonly input: JsonObject;
  }[];
  readonly namespaces: readonly string[];
  readonly destinations: readonly { readonly origin: string; readonly internal: boolean }[];
}

/** Actions that Writ has, whatever the catalogue says; no tool can take their names. */
export const MEMORY_ACTIONS = ['query', 'write', 'delete'] as const;
const ACTION_NAMES: ReadonlySet<string> = new Set(['call', 'memory', 'fetch', 'connect', ...MEMORY_ACTIONS]);

export const uids = {
  agent: (name: string): EntityUid => ({ type: 'Agent', id: name }),
  team: (name: string): EntityUid => ({ type: 'Team', id: name }),
  tool: (name: string): EntityUid => ({ type: 'Tool', id: name }),
  namespace: (name: string): EntityUid => ({ type: 'Namespace', id: name }),
  /** `host` of an origin: with the port, unless it is the default one of the scheme. */
  host: (host: string): EntityUid => ({ type: 'Host', id: host }),
  action: (name: string): EntityUid => ({ type: 'Action', id: name }),
} as const;

/**
 * Every entity that policies can name or read. Throws CONFIG_INVALID when a tool has the name of an action, or two
 * destinations of one host differ in what policies read.
 */
export function policyEntities(model: PolicyModel): readonly Entity[] {
  const teams = new Set(model.agents.flatMap((agent) => agent.teams));
  return [
    ...actionEntities(model),
    ...[...teams].map((team) => entity(uids.team(team))),
    ...model.agents.map(({ name, teams: memberOf }) => entity(uids.agent(name), { name }, memberOf.map(uids.team))),
    ...model.tools.map(({ name, kind, idempotent }) => entity(uids.tool(name), { kind, idempotent })),
    ...model.namespaces.map((name) => entity(uids.namespace(name))),
    ...hostEntities(model),
  ];
}

/** A memory record as `decide` takes it. Its uid carries the namespace, because ids are unique in a namespace only. */
export function recordEntity(namespace: string, record: RecordAttributes): Entity {
  const { id, owner, labels } = record;
  return {
    uid: { type: RECORD_TYPE, id: `${namespace}/${id}` },
    attrs: { id, owner, labels: [...labels] },
    parents: [uids.namespace(namespace)],
  };
}

function actionEntities(model: PolicyModel): readonly Entity[] {
  for (const { name } of model.tools) {
    if (ACTION_NAMES.has(name))
      throw new Fault('CONFIG_INVALID', `\`${name}\` is an action of Writ, so no tool can have that name`);
  }
  return [
    ...['call', 'memory', 'fetch', 'connect'].map((name) => entity(uids.action(name))),
    ...MEMORY_ACTIONS.map((name) => entity(uids.action(name), {}, [uids.action('memory')])),
    ...model.tools.map(({ name }) => entity(uids.action(name), {}, [uids.action('call')])),
  ];
}

function hostEntities(model: PolicyModel): readonly Entity[] {
  const hosts = new Map<string, Entity>();
  for (const { origin, internal } of model.destinations) {
    const { host, protocol } = new URL(origin);
    const next = entity(uids.host(host), { internal, scheme: protocol.slice(0, -1) });
    const known = hosts.get(host);
    if (known !== undefined && JSON.stringify(known.attrs) !== JSON.stringify(next.attrs)) {
      throw new Fault('CONFIG_INVALID', `the destinations of \`${host}\` differ in scheme or in \`internal\``);
    }
    hosts.set(host, next);
  }
  return [...hosts.values()];
}

function entity(uid: EntityUid, attrs: JsonObject = {}, parents: readonly EntityUid[] = []): Entity {
  return { uid, attrs, parents: [...parents] };
}
