import { type Question, questionsOf, requestOf, type Rules } from '#writ/authorisation';
import { isRequestKind, REQUEST_KINDS, type RequestKind } from '#writ/contracts';
import { pastDecisions, type PastSources } from '#writ/operator';
import { decide, planFilter } from '#writ/policy';
import { Replay } from '#writ/policy-testing';
import { recordPast } from './recorded-past.js';
import { rulesWith } from './workload.js';

const POLICIES = 1_000;
/** Decisions that are recorded and read. They are replayed under other call ids until there are as many as the row says. */
const RECORDED = 20_000;
const DECISIONS = 1_000_000;
const DECISIONS_OF_KIND = 100_000;
/** As many as a block may hold. */
const CHUNK = 256;
/** What the past was decided by, and what it is replayed under: some of the policies say another number. */
const [LIMIT, OTHER_LIMIT] = [600, 580];

type PastDecision = Parameters<Replay['take']>;

export interface ReplayRow {
  readonly kind: RequestKind | 'all';
  readonly policies: number;
  readonly decisions: number;
  /** Clock time of deciding, as `writ policy replay` tells it. */
  readonly decidingMs: number;
  readonly decisionsPerSecond: number;
  /** CPU time of all threads for one decision: everything that `Replay` does, and of that the bare `decide` on questions at hand. */
  readonly decidingUs: number;
  readonly floorUs: number;
  readonly decidingOverFloor: number;
  /** To read one decision before it is replayed: verify its block, open its values, check them. Of all kinds together. */
  readonly readingUs: number;
  readonly flips: number;
}

/** Decisions on record made again under other policies, in process, on one core. */
export async function benchReplay(say: (text: string) => void): Promise<readonly ReplayRow[]> {
  const [rules, other] = [await rulesWith(POLICIES, LIMIT), await rulesWith(POLICIES, OTHER_LIMIT)];
  const past = await recordPast(RECORDED, POLICIES, rules);
  say(`${RECORDED} decisions recorded under ${POLICIES} policies`);
  const { decisions, readingUs } = await readPast(past);
  const rows: ReplayRow[] = [];
  for (const kind of ['all', ...REQUEST_KINDS] as const) {
    const chosen = decisions.filter(([{ act }]) => kind === 'all' || act.kind === kind);
    const row = measure(chosen, kind === 'all' ? DECISIONS : DECISIONS_OF_KIND, other);
    rows.push({ kind, policies: POLICIES, ...row, readingUs });
    say(`${kind}: ${row.decisions} decided again in ${row.decidingMs} ms, ${row.decidingUs} µs each`);
  }
  return rows;
}

async function readPast(sources: PastSources) {
  const decisions: PastDecision[] = [];
  const cpu = startCpu();
  const onRejected = (seq: number, reason: string): never => {
    throw new Error(`block ${seq} was not read: ${reason}`);
  };
  for await (const block of pastDecisions(sources, { valuesFromSeq: 1, onRejected })) {
    for (const { entry, values } of block.decisions) decisions.push([entry, values]);
  }
  return { decisions, readingUs: rounded(cpu() / decisions.length) };
}

function measure(decisions: readonly PastDecision[], count: number, rules: Rules) {
  const replay = new Replay(rules);
  let [decidingMs, cpuUs] = [0, 0];
  for (const chunk of chunksOf(decisions, count)) {
    const startedMs = performance.now();
    const cpu = startCpu();
    for (const [entry, values] of chunk) replay.take(entry, values);
    cpuUs += cpu();
    decidingMs += performance.now() - startedMs;
  }
  if (replay.replayed !== count) throw new Error(`${replay.replayed} of ${count} decisions were made again`);
  const decidingUs = cpuUs / count;
  const floorUs = floorOf(decisions, count, rules);
  return {
    decisions: count,
    decidingMs: Math.round(decidingMs),
    decisionsPerSecond: Math.round(count / (decidingMs / 1000)),
    decidingUs: rounded(decidingUs),
    floorUs: rounded(floorUs),
    decidingOverFloor: rounded(decidingUs / floorUs),
    flips: replay.flips.count,
  };
}

/**
 * The recorded decisions over and over, each time under other call ids, so that each counts as a call of its own. As when a ledger is
 * read, a block of them is made of text just before it is decided.
 */
function* chunksOf(decisions: readonly PastDecision[], count: number): Iterable<readonly PastDecision[]> {
  const texts = decisions.map((past) => JSON.stringify(past));
  for (let done = 0, round = 0; done < count; round++) {
    for (let at = 0; at < texts.length && done < count; at += CHUNK) {
      const chunk = texts.slice(at, Math.min(at + CHUNK, at + count - done));
      done += chunk.length;
      yield chunk.map((text) => {
        const [entry, values] = JSON.parse(text) as PastDecision;
        return [{ ...entry, corr: { call: `${entry.corr.call}-${round}` } }, values];
      });
    }
  }
}

/** CPU time of the bare decision: the same entries are gone through, and what is asked of the policies is at hand. */
function floorOf(decisions: readonly PastDecision[], count: number, rules: Rules): number {
  const asked = decisions.map((past) => ({ entry: past[0], questions: questionsIn(past, rules) }));
  let [done, permits] = [0, 0];
  const cpu = startCpu();
  while (done < count) {
    for (const { entry, questions } of asked) {
      const isPermit = questions.every((question) => isPermitted(question, rules));
      // What is found is compared and counted, or the compiler could leave it out.
      if (isPermit === (entry.eff.d === 'allow')) permits += 1;
      if (++done === count) break;
    }
  }
  const took = cpu() / count;
  if (permits === 0) throw new Error('no decision is the same under the other policies');
  return took;
}

function questionsIn([entry, values]: PastDecision, rules: Rules): readonly Question[] {
  const { kind, res } = entry.act;
  if (values.status !== 'opens' || !isRequestKind(kind)) throw new Error('every decision can be made again');
  const asker = { agent: entry.who.agent, session: { callsToday: 0 }, nowMs: Date.parse(entry.ts) };
  const request = requestOf(kind, res, values.asked);
  if (request === undefined) throw new Error('what was just recorded is understood');
  return questionsOf(request, asker, rules);
}

function isPermitted(question: Question, { policies }: Rules): boolean {
  return question.kind === 'decide'
    ? decide(policies, question.request).effect === 'permit'
    : planFilter(policies, question.request).kind !== 'none';
}

/** Microseconds of CPU time since the start, of all threads of the process. */
function startCpu(): () => number {
  const before = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(before);
    return user + system;
  };
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
