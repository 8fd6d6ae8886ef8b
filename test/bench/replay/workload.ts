import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Rules, rulesOf } from '#writ/authorisation';
import { readCatalogue } from '#writ/catalogue';
import { type ActionRequest, parseActionRequest } from '#writ/contracts';
import { loadRules } from '#writ/policy-loader';

const [AGENTS, TEAMS, TOOLS, NAMESPACES, DESTINATIONS] = [200, 20, 50, 30, 40];
const names = (count: number, name: (n: number) => string): readonly string[] =>
  Array.from({ length: count }, (_, n) => name(n));
const agents = names(AGENTS, (n) => `agent-${n}`).map((name, n) => ({ name, teams: [`team-${n % TEAMS}`] }));

/** 200 agents in 20 teams, 50 tools, 30 namespaces and 40 destinations. */
const CONFIG = `version: 1
ledger: writ.bench/replay/2026
tools:
${names(TOOLS, (n) => `  tool-${n}: { kind: function, function: echo, input: ${inputSchema()} }`).join('\n')}
namespaces:
${names(NAMESPACES, (n) => `  notes-${n}: {}`).join('\n')}
destinations:
${names(DESTINATIONS, (n) => `  site-${n}: { origin: 'https://site-${n}.example.com', methods: [GET, POST], paths: [/v1, /v2] }`).join('\n')}
`;

function inputSchema(): string {
  const channel = '{ type: string, maxLength: 80 }';
  const options = '{ type: object, properties: { urgent: { type: boolean }, retries: { type: integer } } }';
  const properties = `{ amount: { type: integer, minimum: 0 }, text: { type: string }, channel: ${channel}, tags: { type: array, items: { type: string } }, options: ${options} }`;
  return `{ type: object, required: [amount, text], properties: ${properties} }`;
}

const catalogue = readCatalogue(CONFIG, { file: 'writ.yaml', baseDirectory: '.', environment: {} });

/** Rules with so many policies. With `limit` another number, those that speak of an amount or of a time of day answer differently. */
export async function rulesWith(policies: number, limit: number): Promise<Rules> {
  const directory = await mkdtemp(join(tmpdir(), 'writ-bench-'));
  try {
    await mkdir(join(directory, 'policies'));
    const text = names(policies, (n) => policyOf(n, limit)).join('\n');
    await writeFile(join(directory, 'policies', 'bench.cedar'), text);
    const here = { ...catalogue, baseDirectory: directory };
    return rulesOf(catalogue, (await loadRules({ catalogue: here, agents })).policies, agents);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Of twenty: eleven permits of tools, three of queries, one each of writes and deletes, two of fetches, and two forbids. */
function policyOf(n: number, limit: number): string {
  const [kind, at] = [n % 20, Math.floor(n / 20)];
  const tool = `tool-${(at + kind) % TOOLS}`;
  const host = `site-${(at + kind) % DESTINATIONS}.example.com`;
  const space = `Namespace::"notes-${(at + kind) % NAMESPACES}"`;
  const who = kind % 3 === 0 ? `principal in Team::"team-${at % TEAMS}"` : `principal == Agent::"agent-${n % AGENTS}"`;
  const onTool = `${who}, action == Action::"${tool}", resource == Tool::"${tool}"`;
  switch (kind) {
    case 11:
    case 12:
    case 13:
      return `@id("p-${n}") permit (${who}, action == Action::"query", resource in ${space})
when { context.input.k <= 50 && !resource.labels.contains("secret-${at % 7}") };`;
    case 14:
      return `@id("p-${n}") permit (principal in Team::"team-${at % TEAMS}", action == Action::"write", resource in ${space})
when { context.input.records < 20 };`;
    case 15:
      return `@id("p-${n}") permit (principal in Team::"team-${at % TEAMS}", action == Action::"delete", resource in ${space})
when { resource.owner == "agent-${n % AGENTS}" };`;
    case 16:
    case 17:
      return `@id("p-${n}") permit (principal in Team::"team-${at % TEAMS}", action == Action::"fetch", resource == Host::"${host}")
when { context.input.method == "GET" && context.input.path like "/v1/*" };`;
    case 18:
      return `@id("p-${n}") forbid (principal in Team::"team-${at % TEAMS}", action == Action::"${tool}", resource)
when { context.time.hour < ${limit % 24} && context.input.amount > 900 };`;
    case 19:
      return `@id("p-${n}") forbid (principal, action == Action::"query", resource in ${space})
when { resource.labels.contains("hold-${at}") };`;
    default:
      return `@id("p-${n}") @obligations("[{\\"type\\":\\"label\\",\\"labels\\":[\\"bench\\"]}]") permit (${onTool})
when { context.input.amount < ${limit + (n % 400)} && context.input.text like "x*" }
unless { context.input has channel && context.input.channel == "closed-${n}" };`;
  }
}

/** Who asked for what. Of ten: six tool calls, two queries, one write or delete, one fetch; most aim at some policy's scope. */
export interface Asked {
  readonly agent: string;
  readonly request: ActionRequest;
}

/** The n-th request of the bench; the same for the same number. */
export function askedAt(n: number, policies: number): Asked {
  const random = seeded(n);
  const kinds = [0, 0, 0, 1, 1, 1, 11, 12, random() < 0.5 ? 14 : 15, 16];
  const at = Math.floor(random() * (policies / 20));
  const kind = kinds[n % kinds.length] ?? 0;
  const agent = agents[random() < 0.8 ? aimedAgent(at, kind) : Math.floor(random() * AGENTS)];
  const call = `call-${n}`;
  return { agent: agent?.name ?? '', request: requestOf(kind, at, { call, random }) };
}

/** One whom the policy is for. */
function aimedAgent(at: number, kind: number): number {
  return [1, 11].includes(kind) ? (at * 20 + kind) % AGENTS : at % TEAMS;
}

function requestOf(kind: number, at: number, by: { readonly call: string; readonly random: () => number }) {
  const { call, random } = by;
  const namespace = `notes-${(at + kind) % NAMESPACES}`;
  const text = `x ${'Quarterly numbers for the office. '.repeat(1 + Math.floor(random() * 4))}`;
  switch (kind) {
    case 11:
    case 12:
      return parseActionRequest('memory.query', { v: 1, call, namespace, text, k: 1 + Math.floor(random() * 60) });
    case 14: {
      const records = [{ id: 'a', text, labels: ['draft'], data: { page: 3 } }, { text }];
      return parseActionRequest('memory.write', { v: 1, call, namespace, records });
    }
    case 15:
      return parseActionRequest('memory.delete', { v: 1, call, namespace, ids: ['a', 'b'] });
    case 16: {
      const url = `https://site-${(at + kind) % DESTINATIONS}.example.com/v1/items/${Math.floor(random() * 1000)}?q=x`;
      return parseActionRequest('egress.fetch', { v: 1, call, url, headers: { accept: 'application/json' } });
    }
    default: {
      const channel = `channel-${Math.floor(random() * 40)}`;
      const options = { urgent: random() < 0.5, retries: 3 };
      const args = { amount: Math.floor(random() * 1_000), text, channel, tags: ['invoice', 'draft'], options };
      return parseActionRequest('tool.call', { v: 1, call, tool: `tool-${(at + kind) % TOOLS}`, args });
    }
  }
}

/** The generator of Numerical Recipes: its upper bits are good enough to choose cases. */
function seeded(seed: number): () => number {
  let state = Math.imul(seed + 1, 2_654_435_761) >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
}
