import { type Rules, rulesOf } from '#writ/authorisation';
import { readCatalogue } from '#writ/catalogue';
import { bundleHash, compilePolicies, policyEntities, PolicyJson, type PolicySource } from '#writ/policy';

/** One tool, one namespace, one agent of the staff and one that is nobody's. */
export const CATALOGUE = readCatalogue(
  `
version: 1
ledger: test/default/0
agents: { ada: { teams: [staff] }, gus: {} }
tools:
  mail:
    kind: function
    function: echo
    input:
      type: object
      required: [to]
      properties: { to: { type: string }, copies: { type: integer }, at: { type: string, x-cedar-type: datetime } }
namespaces: { notes: {} }
destinations: { site: { origin: 'https://example.com' } }
`,
  { file: 'writ.yaml', baseDirectory: '.', environment: {} },
);
const AGENTS = [
  { name: 'ada', teams: ['staff'] },
  { name: 'gus', teams: [] },
];
const uid = (type: string, id: string) => ({ type, id });
const path = (...names: readonly string[]): object =>
  names.reduce<object>((left, attr) => ({ '.': { left, attr } }), { Var: 'context' });
const lessThan = (left: object, limit: number) => ({ '<': { left, right: { Value: limit } } });
const before = (moment: string) => ({ '<': { left: path('time', 'now'), right: { datetime: [{ Value: moment }] } } });
const STAFF = { op: 'in', entity: uid('Team', 'staff') };

interface Wanted {
  /** The staff mails as long as it made fewer calls than that today. */
  readonly mailsADay?: number;
  /** The staff mails before that moment. */
  readonly until?: string;
  /** Records with this label are hidden. */
  readonly hidden?: string;
  /** A policy of the second set puts this label on mail with copies. */
  readonly label?: string;
  /** It takes what this detector finds out of the arguments as well. */
  readonly redacts?: string;
  /** A policy that is only logged would forbid everybody who made so many calls today. */
  readonly loggedFrom?: number;
}

/** Three policies: the staff mails, the staff searches, and what is hidden. */
export function policiesOf({
  mailsADay = 10,
  until,
  hidden = 'secret',
  ...more
}: Wanted = {}): readonly PolicySource[] {
  const labels = { '.': { left: { Var: 'resource' }, attr: 'labels' } };
  const sources = [
    {
      id: 'staff-mails',
      text: `permit … when { context.session.callsToday < ${mailsADay} }`,
      effect: 'permit',
      principal: STAFF,
      action: { op: '==', entity: uid('Action', 'mail') },
      resource: { op: 'All' },
      conditions: [
        { kind: 'when', body: lessThan(path('session', 'callsToday'), mailsADay) },
        ...(until === undefined ? [] : [{ kind: 'when', body: before(until) }]),
      ],
    },
    {
      id: 'staff-searches',
      text: 'permit …',
      effect: 'permit',
      principal: STAFF,
      action: { op: '==', entity: uid('Action', 'query') },
      resource: { op: 'in', entity: uid('Namespace', 'notes') },
      conditions: [],
    },
    {
      id: 'hidden',
      text: `forbid … when { resource.labels.contains("${hidden}") }`,
      effect: 'forbid',
      principal: { op: 'All' },
      action: { op: '==', entity: uid('Action', 'query') },
      resource: { op: 'All' },
      conditions: [{ kind: 'when', body: { contains: { left: labels, right: { Value: hidden } } } }],
    },
  ];
  const enforced = sources.map((source, i) => sourceOf(source, { set: 'policies', line: 1 + 5 * i }));
  return [...enforced, ...obligingOf(more), ...loggedOf(more)];
}

interface Written {
  readonly id: string;
  readonly text: string;
  readonly [member: string]: unknown;
}

function sourceOf(
  { id, text, ...est }: Written,
  { set, line, annotations = {} }: Pick<PolicySource, 'set' | 'line'> & Partial<Pick<PolicySource, 'annotations'>>,
): PolicySource {
  const file = set === 'policies' ? 'policies/p.cedar' : 'obligations/o.cedar';
  return { set, id, file, line, col: 1, text, est: PolicyJson.parse(est), annotations: { id, ...annotations } };
}

function obligingOf({ label, redacts }: Wanted): readonly PolicySource[] {
  if (label === undefined) return [];
  const has = { has: { left: path('input'), attr: 'copies' } };
  const written = {
    id: 'copies-are-labelled',
    text: 'permit … when { context.input has copies }',
    effect: 'permit',
    principal: { op: 'All' },
    action: { op: '==', entity: uid('Action', 'mail') },
    resource: { op: 'All' },
    conditions: [{ kind: 'when', body: has }],
  };
  const redaction = redacts === undefined ? [] : [{ type: 'redact', target: 'input', detectors: [redacts] }];
  const obligations = JSON.stringify([{ type: 'label', labels: [label] }, ...redaction]);
  return [sourceOf(written, { set: 'obligations', line: 1, annotations: { obligations } })];
}

function loggedOf({ loggedFrom }: Wanted): readonly PolicySource[] {
  if (loggedFrom === undefined) return [];
  const written = {
    id: 'not-so-many',
    text: `forbid … unless { context.session.callsToday < ${loggedFrom} }`,
    effect: 'forbid',
    principal: { op: 'All' },
    action: { op: 'All' },
    resource: { op: 'All' },
    conditions: [{ kind: 'unless', body: lessThan(path('session', 'callsToday'), loggedFrom) }],
  };
  return [sourceOf(written, { set: 'policies', line: 16, annotations: { mode: 'log_only' } })];
}

/** The rules with these policies. */
export function someRules(wanted: Wanted = {}): Rules {
  const policies = [...policiesOf(wanted)];
  const bundle = { v: 1, hash: bundleHash(policies, '4.0'), cedarVersion: '4.0', policies } as const;
  const tools = [...CATALOGUE.tools.values()].map(({ name, declaration }) => ({ name, ...declaration }));
  const destinations = [...CATALOGUE.destinations.values()].map(({ declaration }) => declaration);
  const entities = policyEntities({ agents: AGENTS, tools, namespaces: ['notes'], destinations });
  return rulesOf(CATALOGUE, compilePolicies(bundle, entities), AGENTS);
}
