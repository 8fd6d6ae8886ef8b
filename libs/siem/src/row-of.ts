import type { Facts } from './facts.js';
import type { LeafType } from './leaf.js';
import { aboutTheLog } from './log-rows.js';
import { api, BLOCKED, DETECTED, entity, finding, OTHER, plain, type Row } from './row.js';
import { type AboutSecret, isAboutSecret, SECRET_ROWS } from './secret-rows.js';

const ALLOWED = [1, 1] as const;
const UNAUTHORIZED = [2, 26] as const;
const REJECTED = [2, 25] as const;
const DROPPED = [2, 6] as const;
const CORRECTED = [4, 11] as const;
const FAILED = [1, 27] as const;
const LOGGED = [3, 17] as const;

/** All that a row depends on beside the type. */
interface Case {
  readonly isAllowed: boolean;
  readonly isOk: boolean;
  readonly isRedacted: boolean;
  readonly isForced: boolean;
}

// A row is made once for each of its few cases: made for each entry it would cost as much as reading the entry.
const rows = new Map<LeafType, Row[]>();

/** What an entry is to a SIEM. Severity is never lower than high for what hides or breaks evidence. */
export function rowOf(type: LeafType, { eff, red }: Facts, isForced = false): Row {
  if (isAboutSecret(type)) return SECRET_ROWS[type];
  const isAllowed = eff?.d === 'allow';
  const isOk = eff?.d === 'ok';
  const isRedacted = red !== undefined && red.length > 0;
  const known = rows.get(type) ?? [];
  const at = Number(isAllowed) + 2 * Number(isOk) + 4 * Number(isRedacted) + 8 * Number(isForced);
  const row = (known[at] ??= makeRow(type, { isAllowed, isOk, isRedacted, isForced }));
  rows.set(type, known);
  return row;
}

/** There is no default: a type of entry without a row fails the build. */
function makeRow(type: Exclude<LeafType, AboutSecret>, which: Case): Row {
  if (isAct(type)) return type.endsWith('.decided') ? decided(ACTS[type], which) : completed(ACTS[type], which);
  switch (type) {
    case 'call.expired':
    case 'call.indeterminate':
    case 'request.refused':
    case 'command.refused':
    case 'access.evaluated':
    case 'access.refused':
    case 'credential.used':
    case 'decision.explained':
      return aboutCalls(type, which);
    case 'shard.claimed':
    case 'policy.changed':
    case 'policy.rejected':
    case 'policy.divergence':
    case 'tool.definition.changed':
    case 'agent.identity.issued':
    case 'agent.identity.revoked':
    case 'producer.enrolled':
    case 'producer.revoked':
    case 'admin.sink.changed':
    case 'privacy.erased':
      return aboutChanges(type, which);
    case 'ledger.near_full':
    case 'ledger.rejected':
    case 'ledger.tick':
    case 'ledger.opened':
    case 'ledger.integrity.violation':
    case 'ledger.key.rotated':
    case 'ledger.frozen':
    case 'ledger.pruned':
    case 'producer.carried':
    case 'export.gap':
    case 'export.replayed':
    case 'export.heartbeat':
      return aboutTheLog(type);
  }
}

/** A leaf that cannot be read. It is exported all the same, and loudly: a sequence with a hole would be worse. */
export const UNKNOWN_ROW: Row = {
  title: 'Unknown entry',
  ocsf: 'base',
  activityId: OTHER,
  activity: 'Unknown Entry',
  severity: 4,
  ecs: { kind: 'event', category: 'configuration', type: 'info' },
  cefSeverity: 8,
};

interface Act {
  readonly noun: string;
  readonly ocsf: 'api' | 'datastore' | 'http';
  readonly activityId: number;
  readonly activity: string;
  readonly category: string;
}

const TOOL: Act = { noun: 'Tool call', ocsf: 'api', activityId: OTHER, activity: 'Invoke', category: 'api' };
const QUERY: Act = { noun: 'Memory query', ocsf: 'datastore', activityId: 4, activity: 'Query', category: 'database' };
const WRITE: Act = { noun: 'Memory write', ocsf: 'datastore', activityId: 5, activity: 'Write', category: 'database' };
const DELETE: Act = { ...WRITE, noun: 'Memory delete', activityId: 7, activity: 'Delete' };
const FETCH: Act = { noun: 'Request', ocsf: 'http', activityId: OTHER, activity: 'Fetch', category: 'network' };
const CONNECT: Act = { ...FETCH, noun: 'Tunnel', activityId: 1, activity: 'Connect' };

const ACTS = {
  'tool.call.decided': TOOL,
  'tool.call.completed': TOOL,
  'memory.query.decided': QUERY,
  'memory.query.completed': QUERY,
  'memory.write.decided': WRITE,
  'memory.write.completed': WRITE,
  'memory.delete.decided': DELETE,
  'memory.delete.completed': DELETE,
  'egress.fetch.decided': FETCH,
  'egress.fetch.completed': FETCH,
  'egress.connect.decided': CONNECT,
  'egress.connect.completed': CONNECT,
} as const;

function isAct(type: LeafType): type is keyof typeof ACTS {
  return Object.hasOwn(ACTS, type);
}

function decided({ noun, category, ...act }: Act, { isAllowed }: Case): Row {
  const denied = act.ocsf === 'http' ? BLOCKED : UNAUTHORIZED;
  // Whatever is not said to be allowed is told as denied: a false alarm is better than a silent one.
  return isAllowed
    ? { ...act, ...plain(1, 2), title: `${noun} allowed`, control: ALLOWED, ecs: event(category, 'allowed') }
    : {
        ...act,
        ...plain(3, 6),
        title: `${noun} denied`,
        control: denied,
        isSuccess: false,
        ecs: event(category, 'denied'),
      };
}

function completed({ noun, category, ...act }: Act, { isOk, isRedacted }: Case): Row {
  const ecs = event(category, category === 'database' ? 'access' : 'info');
  if (!isOk) return { ...act, ...plain(2, 4), title: `${noun} failed`, control: FAILED, isSuccess: false, ecs };
  return isRedacted
    ? { ...act, ...plain(1, 3), title: `${noun} executed, redacted`, control: CORRECTED, isSuccess: true, ecs }
    : { ...act, ...plain(1, 2), title: `${noun} executed`, control: ALLOWED, isSuccess: true, ecs };
}

const event = (category: string, type: string): Row['ecs'] => ({ kind: 'event', category, type });

type AboutCalls = Extract<
  LeafType,
  `call.${string}` | `access.${string}` | `${string}.refused` | 'credential.used' | 'decision.explained'
>;

function aboutCalls(type: AboutCalls, { isAllowed }: Case): Row {
  switch (type) {
    case 'call.expired':
      return api('Call expired', 'Expire', { severity: 2, control: DROPPED, isSuccess: false });
    case 'call.indeterminate':
      return api('Call without an outcome', 'Lose', { severity: 3, control: FAILED, isSuccess: false });
    case 'request.refused':
      return api('Requests refused', 'Refuse', {
        severity: 2,
        control: REJECTED,
        isSuccess: false,
        ecs: event('api', 'denied'),
      });
    case 'command.refused':
      return finding('Command refused', 4, BLOCKED);
    case 'access.evaluated':
      return isAllowed
        ? api('Access evaluated: allow', 'Evaluate', { severity: 1, control: ALLOWED, ecs: event('api', 'allowed') })
        : api('Access evaluated: deny', 'Evaluate', {
            severity: 3,
            control: UNAUTHORIZED,
            isSuccess: false,
            ecs: event('api', 'denied'),
          });
    case 'access.refused':
      return api('Access questions refused', 'Refuse', {
        severity: 2,
        control: REJECTED,
        isSuccess: false,
        ecs: event('api', 'denied'),
      });
    case 'credential.used':
      return api('Credential used', 'Use Credential', { severity: 1, control: LOGGED, ecs: event('iam', 'info') });
    case 'decision.explained':
      return api('Decision explained', 'Explain', { severity: 1, control: LOGGED });
  }
}

type AboutChanges = Extract<
  LeafType,
  | `${'policy' | 'agent'}.${string}`
  | `producer.${'enrolled' | 'revoked'}`
  | 'tool.definition.changed'
  | `admin.${string}`
  | `privacy.${string}`
  | 'shard.claimed'
>;

function aboutChanges(type: AboutChanges, { isForced }: Case): Row {
  const iam = (kind: string) => event('iam', kind);
  switch (type) {
    case 'shard.claimed':
      return {
        title: 'Shard claimed',
        ocsf: 'lifecycle',
        activityId: 3,
        activity: 'Start',
        ...plain(1, 2),
        ecs: event('process', 'start'),
      };
    case 'policy.changed':
      return isForced
        ? entity('Policies changed: forced downgrade', [3, 'Update'], { ...plain(4, 8), isAlert: true })
        : entity('Policies changed', [3, 'Update'], plain(3, 6));
    case 'policy.rejected':
      return entity('Policies rejected', [3, 'Update'], { ...plain(3, 6), isSuccess: false });
    case 'policy.divergence':
      return finding('Evaluators differ', 4, DETECTED);
    case 'tool.definition.changed':
      return finding('Tool definition changed, tool disabled', 4, BLOCKED);
    case 'agent.identity.issued':
      return entity('Agent identity issued', [1, 'Create'], { ecs: iam('creation') });
    case 'agent.identity.revoked':
      return entity('Agent identity revoked', [9, 'Disable'], { ...plain(3, 6), ecs: iam('deletion') });
    case 'producer.enrolled':
      return entity('Producer key enrolled', [1, 'Create'], { ...plain(3, 6), ecs: iam('creation') });
    case 'producer.revoked':
      return entity('Producer key revoked', [9, 'Disable'], { ...plain(3, 6), ecs: iam('deletion') });
    case 'admin.sink.changed':
      return entity('SIEM sink changed', [3, 'Update'], plain(3, 6));
    case 'privacy.erased':
      return entity('Personal data erased', [4, 'Delete'], { ecs: event('configuration', 'deletion') });
  }
}
