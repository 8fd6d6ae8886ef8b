import { isDeepStrictEqual } from 'node:util';
import { compilePolicies, decide, type PolicyDecision, type PolicySet } from '#writ/policy';
import { median } from '../load.js';
import { CedarEngine } from './cedar-engine.js';
import { type Answer, handWritten } from './floor.js';
import { bundleOf, entitiesOf, workloadOf, type WorkloadRequest } from './workload.js';

const COUNTS = [10, 100, 1_000, 10_000] as const;
const ROUNDS = 7;
const REQUESTS = 20_000;
/** Requests that the engines have to agree on before they are timed. */
const SAMPLE = 500;
const CEDAR_SAMPLE = 20;
/** Cedar goes through every policy for every request, so it is asked as few as this. */
const cedarRequests = (policies: number): number => Math.max(4, Math.min(400, Math.floor(20_000 / policies)));

export interface DecideRow {
  readonly policies: number;
  readonly inScope: number;
  readonly allowed: number;
  readonly writPerSecond: number;
  /** Index and closures written by hand for this workload. */
  readonly floorPerSecond: number;
  /** One `Map` look-up a request. */
  readonly mapGetPerSecond: number;
  readonly cedarPerSecond: number;
  /** Medians of the ratios of each round: on a busy machine they say more than the rates. */
  readonly floorOverWrit: number;
  readonly mapGetOverWrit: number;
  readonly writOverCedar: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** What it costs to read where the policies of a forbid stand, on top of the decision. */
  readonly explainForbidUs: number;
  /** What it costs, when somebody asks, to find the permits that came nearest. */
  readonly nearMissUs: number;
}

/** Decisions in process, one core, with the entities and the policies of `workloadOf`. */
export async function benchDecide(say: (text: string) => void): Promise<readonly DecideRow[]> {
  const rows: DecideRow[] = [];
  for (const policies of COUNTS) {
    const row = await benchCount(policies);
    rows.push(row);
    say(`${policies} policies: ${row.writPerSecond}/s, ${row.floorOverWrit}× the floor's time, p99 ${row.p99Us} µs`);
  }
  return rows;
}

/** Decisions a second, in one round. */
interface Rates {
  readonly writ: number;
  readonly floor: number;
  readonly mapGet: number;
  readonly cedar: number;
}

async function benchCount(policies: number): Promise<DecideRow> {
  const workload = workloadOf(policies, REQUESTS);
  const { requests } = workload;
  const bundle = bundleOf(workload);
  const set = compilePolicies(bundle, entitiesOf(workload));
  const writ = (request: WorkloadRequest): PolicyDecision => decide(set, request);
  const floor = handWritten(workload);
  const lookup = new Map(requests.map(({ principal, resource }) => [principal.id + resource.id, resource]));
  const mapGet = ({ principal, resource }: WorkloadRequest): boolean => lookup.has(principal.id + resource.id);
  await using cedar = await CedarEngine.start(bundle, entitiesOf(workload));

  for (const request of requests.slice(0, SAMPLE)) requireSame(answerOf(writ(request)), floor(request));
  const asked = await cedar.decide(requests.slice(0, CEDAR_SAMPLE));
  for (const [i, answer] of asked.answers.entries()) requireSame(answer, answerOf(writ(requests[i]!)));
  const allowed = requests.filter((request) => writ(request).effect === 'permit').length;

  const rounds: Rates[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const perSecond = { writ: rate(requests, writ), floor: rate(requests, floor), mapGet: rate(requests, mapGet) };
    const few = requests.slice(0, cedarRequests(policies));
    const { cpuMs } = await cedar.decide(few);
    rounds.push({ ...perSecond, cedar: (few.length / cpuMs) * 1000 });
  }
  const of = (read: (round: Rates) => number): number => median(rounds.map(read));
  const took = latencies(requests, writ);
  return {
    policies,
    inScope: rounded(inScope(set, requests)),
    allowed: rounded(allowed / requests.length),
    writPerSecond: Math.round(of((round) => round.writ)),
    floorPerSecond: Math.round(of((round) => round.floor)),
    mapGetPerSecond: Math.round(of((round) => round.mapGet)),
    cedarPerSecond: Math.round(of((round) => round.cedar)),
    floorOverWrit: rounded(of((round) => round.floor / round.writ)),
    mapGetOverWrit: rounded(of((round) => round.mapGet / round.writ)),
    writOverCedar: Math.round(of((round) => round.writ / round.cedar)),
    p50Us: took(0.5),
    p99Us: took(0.99),
    ...explanations(requests, writ),
  };
}

function answerOf({ effect, determining }: PolicyDecision): Answer {
  return { effect, determining: determining.map(({ id }) => id) };
}

function requireSame(one: Answer, other: Answer): void {
  const isSame =
    one.effect === other.effect && isDeepStrictEqual(one.determining.toSorted(), other.determining.toSorted());
  if (!isSame) throw new Error(`engines disagree: ${JSON.stringify({ one, other })}`);
}

/** Calls a second of CPU time: others may use the machine. What the calls give is used, or the compiler could leave them out. */
function rate(requests: readonly WorkloadRequest[], run: (request: WorkloadRequest) => unknown): number {
  let given = 0;
  const before = process.cpuUsage();
  for (const request of requests) if (run(request) !== undefined) given += 1;
  const { user, system } = process.cpuUsage(before);
  return (given / (user + system)) * 1_000_000;
}

function latencies(
  requests: readonly WorkloadRequest[],
  run: (request: WorkloadRequest) => unknown,
): (share: number) => number {
  const took = requests.map((request) => {
    const before = process.hrtime.bigint();
    run(request);
    return Number(process.hrtime.bigint() - before) / 1000;
  });
  took.sort((a, b) => a - b);
  return (share) => rounded(took[Math.floor(took.length * share)] ?? 0);
}

function inScope(set: PolicySet, requests: readonly WorkloadRequest[]): number {
  const counts = requests.slice(0, SAMPLE).map(({ principal, action, resource }) => {
    const [p, a, r] = [set.store.find(principal), set.store.find(action), set.store.find(resource)];
    const { forbids, permits } = set.candidates(p, a, r);
    return forbids.length + permits.length;
  });
  return counts.reduce((sum, count) => sum + count, 0) / counts.length;
}

function explanations(
  requests: readonly WorkloadRequest[],
  writ: (request: WorkloadRequest) => PolicyDecision,
): { readonly explainForbidUs: number; readonly nearMissUs: number } {
  // What a decision service records of a forbid: where it stands, and what held in it with the values that it read.
  const explain = (request: WorkloadRequest): unknown => {
    const { determining, held } = writ(request);
    return [determining, held];
  };
  const forbidden = requests.filter((request) => writ(request).code === 'policy_forbids');
  const near = requests.filter((request) => writ(request).code === 'no_policy_permits').slice(0, SAMPLE);
  return {
    explainForbidUs: addedUs(repeated(forbidden, REQUESTS), explain, writ),
    nearMissUs: addedUs(near, (request) => writ(request).near, writ),
  };
}

/** Microseconds that `more` takes on top of `less`: the median of the differences of each round. */
function addedUs(
  list: readonly WorkloadRequest[],
  more: (request: WorkloadRequest) => unknown,
  less: (request: WorkloadRequest) => unknown,
): number {
  if (list.length === 0) return 0;
  const us = (run: (request: WorkloadRequest) => unknown): number => 1_000_000 / rate(list, run);
  return rounded(median(Array.from({ length: ROUNDS }, () => us(more) - us(less))));
}

/** The clock of CPU time has ticks of milliseconds: few requests are asked again and again, so that there is something to measure. */
function repeated(list: readonly WorkloadRequest[], count: number): readonly WorkloadRequest[] {
  const times = list.length === 0 ? 0 : Math.ceil(count / list.length);
  return Array.from({ length: times }, () => list).flat();
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
