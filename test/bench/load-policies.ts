import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compilePolicies, generateSchema, policyEntities, type PolicyModel } from '#writ/policy';
import { loadPolicies } from '#writ/policy-loader';
import { median } from './load.js';

const COUNTS = [10, 100, 1_000, 10_000] as const;
const POLICIES_PER_FILE = 250;
const ROUNDS = 9;
const TIMEOUT_MS = 600_000;

export interface LoadPoliciesRow {
  readonly policies: number;
  /** Nothing cached: every policy is parsed, validated and linted. */
  readonly coldMs: number;
  /** From the cache, compiled and ready to decide: the median of the rounds, and the best of them. */
  readonly cachedMs: number;
  readonly cachedBestMs: number;
  /** The same as CPU time of all threads, which says more than the clock on a busy machine. */
  readonly cachedCpuMs: number;
  /** One policy changed, the others are in the cache. */
  readonly changedMs: number;
  /** `JSON.parse` of the cached file alone, in the same run: what no load can be faster than. */
  readonly floorMs: number;
  readonly cachedOverFloor: number;
  readonly cacheKb: number;
}

/** How long a decision service takes from files to a set that decides. */
export async function benchLoadPolicies(say: (text: string) => void): Promise<readonly LoadPoliciesRow[]> {
  const rows: LoadPoliciesRow[] = [];
  for (const count of COUNTS) {
    const row = await measure(count);
    say(`${count} policies: cold ${row.coldMs} ms, cached ${row.cachedMs} ms, one changed ${row.changedMs} ms`);
    rows.push(row);
  }
  return rows;
}

async function measure(count: number): Promise<LoadPoliciesRow> {
  const directory = await mkdtemp(join(tmpdir(), 'writ-bench-'));
  try {
    const [policies, cacheDirectory] = [join(directory, 'policies'), join(directory, 'cache')];
    await mkdir(policies);
    for (let at = 0; at < count; at += POLICIES_PER_FILE) await writeFile(fileOf(policies, at), textOf(at, count));
    const options = { directory: policies, schema: SCHEMA, cacheDirectory, timeoutMs: TIMEOUT_MS };
    const load = async () => void compilePolicies(await loadPolicies(options), ENTITIES);
    const coldMs = await took(load);
    const [name = ''] = await readdir(cacheDirectory);
    const cached = await readFile(join(cacheDirectory, name), 'utf8');
    const body = cached.slice(cached.indexOf('\n') + 1);
    const cachedMs: number[] = [];
    const cachedCpuMs: number[] = [];
    const floorMs: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      floorMs.push(await took(() => void JSON.parse(body)));
      const before = process.cpuUsage();
      cachedMs.push(await took(load));
      const { user, system } = process.cpuUsage(before);
      cachedCpuMs.push((user + system) / 1_000);
    }
    await writeFile(fileOf(policies, 0), `${textOf(0, count)}// ${randomBytes(8).toString('hex')}\n${policyOf(count)}`);
    const changedMs = await took(load);
    return {
      policies: count,
      coldMs: round(coldMs),
      cachedMs: round(median(cachedMs)),
      cachedBestMs: round(Math.min(...cachedMs)),
      cachedCpuMs: round(median(cachedCpuMs)),
      changedMs: round(changedMs),
      floorMs: round(median(floorMs)),
      cachedOverFloor: round(median(cachedMs) / median(floorMs)),
      cacheKb: Math.round(cached.length / 1024),
    };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function took(run: () => Promise<void> | void): Promise<number> {
  const startedMs = performance.now();
  await run();
  return performance.now() - startedMs;
}

const round = (value: number) => Math.round(value * 10) / 10;
const fileOf = (directory: string, at: number) => join(directory, `policies-${at}.cedar`);

const AGENTS = 200;
const TOOLS = 50;
const MODEL: PolicyModel = {
  agents: Array.from({ length: AGENTS }, (_, n) => ({ name: `agent-${n}`, teams: [`team-${n % 20}`] })),
  tools: Array.from({ length: TOOLS }, (_, n) => ({
    name: `tool-${n}`,
    kind: 'function',
    idempotent: false,
    input: {
      type: 'object',
      properties: { amount: { type: 'integer' }, text: { type: 'string' }, channel: { type: 'string' } },
      required: ['amount', 'text'],
    },
  })),
  namespaces: [],
  destinations: [],
};
const SCHEMA = generateSchema(MODEL);
const ENTITIES = policyEntities(MODEL);

function textOf(from: number, count: number): string {
  const length = Math.min(POLICIES_PER_FILE, count - from);
  return Array.from({ length }, (_, n) => policyOf(from + n)).join('\n');
}

/** Most name an agent and a tool, one in eight forbids, each has three clauses. */
function policyOf(n: number): string {
  const tool = `tool-${(n + Math.floor(n / AGENTS)) % TOOLS}`;
  return `// What agent ${n % AGENTS} may do with ${tool}.
@id("p-${n}")
@description("policy ${n} of the bench")
${n % 8 === 7 ? 'forbid' : 'permit'} (
  principal == Agent::"agent-${n % AGENTS}",
  action == Action::"${tool}",
  resource == Tool::"${tool}"
)
when { context.input.amount < ${100 + (n % 900)} && context.input.text like "x*" }
unless { context.input has channel && context.input.channel == "closed-${n}" };
`;
}
