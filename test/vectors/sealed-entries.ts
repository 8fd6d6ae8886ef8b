import { canonicalJson, type Json } from '#writ/contracts';
import { completedBody, decidedBody } from '../harness/ledger-builder.js';

const HASH = `sha256:${'5b'.repeat(32)}`;
const COMMITMENT = `sd:${'Zk3_'.repeat(10)}Zk3`;
const LEDGER = 'writ.test/default/2026';
const who = { agent: 'support' };
const dec = { seq: 7, i: 0 };
const corr = { call: 'call-1', sess: 'sess-77', trace: '4bf92f3577b34da6a3ce929d0e0e4736' };
const place = { id: 'support-may-post', file: 'policies/support.cedar', line: 4, col: 1 } as const;
const access = {
  client: 'gateway',
  req: { sub: { type: 'user', id: 'alice' }, act: 'can_read', res: { type: 'doc', id: '7' }, eval: 'eval-1' },
};
const act = { kind: 'tool.call', res: 'slack.chat.postMessage', dig: HASH };
const man = { ver: 2, author: 'carol', at: '2026-11-22T05:30:00.000Z', key: 'k'.repeat(22), sig: 's'.repeat(86) };

const CALLS = ['tool.call', 'memory.query', 'memory.write', 'memory.delete', 'egress.fetch', 'egress.connect'] as const;
const red = [{ path: '/text', kind: 'pii.iban', n: 1 }];

/** Bodies of entries that the schema of entries describes: every type, every outcome. */
const BODIES: readonly (readonly [name: string, body: object])[] = [
  ...CALLS.flatMap((kind) => [
    [
      `${kind} allowed`,
      { ...decidedBody('tool.call', 'call-1', 'allow'), type: `${kind}.decided`, act: { ...act, kind } },
    ] as const,
    [
      `${kind} denied`,
      { ...decidedBody('tool.call', 'call-1', 'deny'), type: `${kind}.decided`, act: { ...act, kind } },
    ] as const,
    [
      `${kind} executed`,
      { ...completedBody('tool.call', 'call-1', dec), type: `${kind}.completed`, act: { ...act, kind } },
    ] as const,
    [
      `${kind} redacted`,
      { ...completedBody('tool.call', 'call-1', dec), type: `${kind}.completed`, red, act: { ...act, kind } },
    ] as const,
    [
      `${kind} failed`,
      {
        ...completedBody('tool.call', 'call-1', dec),
        type: `${kind}.completed`,
        act: { ...act, kind },
        eff: { d: 'error', phase: 'executed' },
        why: { code: 'EXECUTOR_TIMEOUT' },
      },
    ] as const,
  ]),
  ['call expired', { type: 'call.expired', who, act, corr, dec }],
  ['call indeterminate', { type: 'call.indeterminate', who, act, corr, dec }],
  [
    'request refused',
    { type: 'request.refused', who, act: { kind: 'tool.call' }, why: { code: 'INPUT_INVALID' }, n: 40 },
  ],
  ['command refused', { type: 'command.refused', why: { code: 'COMMAND_REPLAYED' }, dec, msg: HASH }],
  ['shard claimed', { type: 'shard.claimed', shard: 0, inst: 'pdp-1', after: 0 }],
  ['policies changed', { type: 'policy.changed', bundle: { old: HASH, new: HASH }, policies: 3, man }],
  ['first policies', { type: 'policy.changed', bundle: { old: null, new: HASH }, policies: 3, man }],
  [
    'policies forced back',
    { type: 'policy.changed', bundle: { old: HASH, new: HASH }, policies: 3, man: { ...man, over: 3 } },
  ],
  [
    'policies rejected',
    { type: 'policy.rejected', why: { code: 'POLICY_PARSE' }, kept: HASH, at: 'policies/a.cedar:3:1' },
  ],
  [
    'evaluators differ',
    {
      type: 'policy.divergence',
      who,
      corr,
      bundle: HASH,
      writ: { d: 'allow', pol: ['p'], err: [] },
      cedar: { d: 'deny', pol: [], err: ['p'] },
    },
  ],
  ...(['allow', 'deny'] as const).map(
    (d) =>
      [
        `access evaluated: ${d}`,
        {
          type: 'access.evaluated',
          ...access,
          who,
          act,
          eff: { d, phase: 'evaluated' },
          why: { code: 'permitted', bundle: HASH, pol: [{ ...place, effect: 'permit' }] },
          io: { in: COMMITMENT, in_len: 3 },
        },
      ] as const,
  ),
  ['access refused', { type: 'access.refused', ...access, why: { code: 'INPUT_UNKNOWN_TOOL' }, n: 3 }],
  [
    'credential used',
    { type: 'credential.used', who, corr, cred: 'slack', origin: 'https://slack.com', echoed: false },
  ],
  ['secret set', { type: 'credential.set', secret: 'slack', ver: 1 }],
  [
    'secret rotated',
    { type: 'credential.rotated', secret: 'slack', ver: 2, kept: 1, until: '2026-11-29T05:30:00.000Z' },
  ],
  ['secrets rekeyed', { type: 'credential.rekeyed', count: 2, old: 'age1qqqq', new: 'age1pppp' }],
  ['secret removed', { type: 'credential.removed', secret: 'slack', ver: 2 }],
  [
    'tool definition changed',
    {
      type: 'tool.definition.changed',
      tool: 'files.read',
      server: 'files',
      old: HASH,
      new: `sha256:${'e'.repeat(64)}`,
    },
  ],
  ['agent issued', { type: 'agent.identity.issued', who, key: 'UABC' }],
  ['agent revoked', { type: 'agent.identity.revoked', who, key: 'UABC' }],
  ['producer enrolled', { type: 'producer.enrolled', instance: 'pdp-1', key: 'b'.repeat(22) }],
  ['producer revoked', { type: 'producer.revoked', instance: 'pdp-1', key: 'a'.repeat(22), next: 'b'.repeat(22) }],
  [
    'ledger key rotated',
    { type: 'ledger.key.rotated', old: 'a'.repeat(22), new: 'b'.repeat(22), phase: 'begun', size: 7 },
  ],
  ['data erased', { type: 'privacy.erased', by: 'dpo', basis: 'GDPR Art. 17, DSR-118', keys: ['k'.repeat(22)], n: 3 }],
  ['ledger nearly full', { type: 'ledger.near_full', used: 9, max: 10 }],
  ['oldest removed', { type: 'ledger.pruned', of: 'stream', seq: 90, leaf: 700, size: 900, root: 'r'.repeat(43) }],
  [
    'ledger ended',
    { type: 'ledger.frozen', next: 'writ.example/acme/2027', key: 'k'.repeat(22), by: 'ops', reason: 'a new year' },
  ],
  ['facts carried over', { type: 'producer.carried', of: 'siem-1', prev: 'h'.repeat(43) }],
  ['entries missing', { type: 'export.gap', sink: 'splunk', first: 3, last: 4, why: { code: 'HTTP_400' } }],
  ['entries sent again', { type: 'export.replayed', sink: 'splunk', first: 0, last: 4 }],
  ['sink changed', { type: 'admin.sink.changed', sink: 'splunk', old: null, new: HASH }],
  ['tick', { type: 'ledger.tick', size: 7, root: 'r'.repeat(43) }],
  ['log opened', { type: 'ledger.opened', size: 0, root: 'r'.repeat(43) }],
  [
    'log opened after another one',
    {
      type: 'ledger.opened',
      size: 0,
      root: 'r'.repeat(43),
      prev: {
        ledger: 'writ.example/acme/2026',
        size: 7,
        root: 'q'.repeat(43),
        checkpoint: 'writ.example/acme/2026\n7\n',
      },
    },
  ],
  [
    'integrity violated',
    { type: 'ledger.integrity.violation', why: { code: 'truncated', text: 'the stream ends early' }, seq: 9 },
  ],
  [
    'decision explained',
    { type: 'decision.explained', who, corr, of: dec, near: [{ ...place, failed: 'principal in Team::"x"' }] },
  ],
];

export interface SealedEntry {
  readonly name: string;
  readonly text: string;
  /** Whether the schema of entries describes it. */
  readonly isEntry: boolean;
}

const base = (index: number) => ({
  v: 1,
  id: `01K0${String(index).padStart(22, '0')}`,
  ts: '2026-11-22T05:30:00.123Z',
  ledger: LEDGER,
  ten: 'default',
  prod: { id: 'pdp-0', boot: 'b'.repeat(22), s: index + 1 },
});

const REJECTED: Json = {
  block: null,
  hash: 'h'.repeat(43),
  id: 'rej-9',
  ledger: LEDGER,
  len: 12,
  reason: 'malformed',
  seq: 9,
  subject: 'ledger.block.pdp-0',
  type: 'ledger.rejected',
  v: 1,
};

/** One leaf of every type and outcome, as the log has it: canonical JSON. */
export function sealedEntries(): SealedEntry[] {
  const whole = (body: object, index: number) =>
    canonicalJson({ ...body, ...base(index) } as Readonly<Record<string, Json>>);
  return [
    ...BODIES.map(([name, body], i) => ({ name, text: whole(body, i), isEntry: true })),
    { name: 'block rejected', text: canonicalJson(REJECTED), isEntry: false },
  ];
}
