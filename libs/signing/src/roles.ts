import { ENTRY_TYPES, type EntryType } from '#writ/contracts';

/** Who a key belongs to. The role decides which entries its signature can author, and under which producer names. */
export const ROLES = [
  'pdp',
  'tool-executor',
  'memory-executor',
  'egress-executor',
  'egress-proxy',
  'operator',
  'ledger',
  'siem',
  'log',
] as const;
export type Role = (typeof ROLES)[number];

const startingWith = (prefix: string, suffix: string): EntryType[] =>
  ENTRY_TYPES.filter((type) => type.startsWith(prefix) && type.endsWith(suffix));

/**
 * The most that a role may write. No role but `pdp` can author a decision, and `pdp` cannot author an outcome, so neither can
 * play the other. `operator` is people at the command line, and what removes the oldest of the ledger. `ledger` is the sealer, which says what it did and saw; `siem` says what was not exported, and to where; `log` signs
 * checkpoints and no block.
 */
export const ROLE_TYPES: Readonly<Record<Role, readonly EntryType[]>> = {
  pdp: [
    ...startingWith('', '.decided'),
    'decision.explained',
    'call.expired',
    'call.indeterminate',
    'request.refused',
    'shard.claimed',
    'policy.changed',
    'policy.rejected',
    'policy.divergence',
    'access.evaluated',
    'access.refused',
    'ledger.near_full',
  ],
  'tool-executor': [
    ...startingWith('tool.', '.completed'),
    'command.refused',
    'credential.used',
    'tool.definition.changed',
  ],
  'memory-executor': [...startingWith('memory.', '.completed'), 'command.refused', 'credential.used'],
  'egress-executor': ['egress.fetch.completed', 'command.refused', 'credential.used'],
  'egress-proxy': ['egress.connect.completed', 'command.refused'],
  operator: [
    'credential.set',
    'credential.rotated',
    'credential.removed',
    'credential.rekeyed',
    'agent.identity.issued',
    'agent.identity.revoked',
    'producer.enrolled',
    'producer.revoked',
    'ledger.key.rotated',
    'ledger.frozen',
    'ledger.pruned',
    'producer.carried',
    'privacy.erased',
  ],
  ledger: ['ledger.opened', 'ledger.tick', 'ledger.integrity.violation'],
  siem: ['export.gap', 'export.replayed', 'admin.sink.changed'],
  log: [],
};

/** Producer names that keys of a role may sign for. */
export const ROLE_PRODUCERS: Readonly<Record<Role, RegExp>> = {
  pdp: /^pdp-[0-9]+$/,
  'tool-executor': /^exec-tool-[0-9]+$/,
  'memory-executor': /^exec-memory-[0-9]+$/,
  'egress-executor': /^exec-egress-[0-9]+$/,
  'egress-proxy': /^egress-proxy-[0-9]+$/,
  operator: /^operator$/,
  ledger: /^ledger$/,
  siem: /^siem-[0-9]+$/,
  log: /^(?!)/,
};
