import type { Rules } from '#writ/authorisation';
import type { EntryBody } from '#writ/contracts';
import { type Fault, messageOf } from '#writ/faults';
import { policyProblemsOf } from '#writ/policy';
import { FILES_AUTHOR, type SignedManifest, signManifest } from '#writ/signing';
import type { PolicyEpoch } from './calls.js';
import { ChangeWatcher } from './change-watcher.js';
import { PolicyActivation } from './policy-activation.js';
import type { DecidingShard } from './ports.js';
import { ruleFiles, type RulesContext } from './rule-files.js';
import { type Rejection, RulesKeeper } from './rules-keeper.js';

const PROBLEM_CHARACTERS_MAX = 512;

/** A change that was not taken, while nothing better has come. */
export interface RefusedPolicies {
  readonly code: string;
  /** The first problem, and its place in the files when it has one. */
  readonly problem: string;
  readonly at: string;
  /** ISO time of the refusal. */
  readonly since: string;
}

/** The newest rules that loaded, and their life on record. */
export interface WatchedRules {
  readonly newest: Rules;
  /** What is wrong with the policies as they are now; undefined when they were taken. */
  readonly refused: RefusedPolicies | undefined;
  /** Whether they may follow what is in force in a chain. */
  isAcceptable(epoch: PolicyEpoch | undefined): boolean;
  /** Puts them in force on a newly owned shard, when its chain does not say so already. */
  activateOn(shard: DecidingShard): Promise<void>;
  watch(): void;
  close(): void;
}

/** Loads policies and agents, and follows changes of both. Throws POLICY_*: a service does not start on bad policies. */
export async function openRules(context: RulesContext, shards: () => readonly DecidingShard[]): Promise<WatchedRules> {
  const { catalogue, log } = context;
  const files = ruleFiles(context);
  // Taken before the files are read: a change in between is seen at the first look.
  const loaded = await files.look();
  let refused: RefusedPolicies | undefined;
  const keeper: RulesKeeper = await RulesKeeper.open({
    catalogue,
    ...files,
    onChanged: () => {
      refused = undefined;
      void activation.activateAll();
    },
    onRejected: (rejection) => {
      refused = refusedPolicies(rejection.fault);
      recordRejection(rejection, shards(), log);
    },
    later: (ms, run) => {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
  });
  const activation = new PolicyActivation({
    published: () => keeper.current,
    shards,
    manifestFor: manifestSigner(context),
    policiesOf: files.cachedPolicies,
    onRefused: (fault) => (refused = refusedPolicies(fault)),
    log,
  });
  const watcher = new ChangeWatcher(files.look, loaded, () => keeper.reload());
  return {
    get newest() {
      return keeper.current.rules;
    },
    get refused() {
      return refused;
    },
    isAcceptable: (epoch) => activation.isAcceptable(epoch),
    activateOn: (shard) => activation.activateFirst(shard),
    watch: () => watcher.start((error) => log.error({ detail: messageOf(error) }, 'the policies cannot be looked at')),
    close: () => {
      watcher.stop();
      keeper.close();
    },
  };
}

/** Signs, as this decision service, for files that nobody published. */
function manifestSigner({ catalogue, key }: RulesContext) {
  return (hash: string, version: number): SignedManifest => {
    const at = new Date().toISOString();
    const { ledger } = catalogue.config;
    return signManifest({ v: 1, ledger, version, hash, author: FILES_AUTHOR, at }, key());
  };
}

function recordRejection(
  { fault, kept, againInMs, failures }: Rejection,
  shards: readonly DecidingShard[],
  log: RulesContext['log'],
): void {
  const { code, message: detail } = fault;
  log.error({ code, detail, kept: kept?.rules.policies.hash, againInMs }, 'a bad change was refused');
  // Tried again and again, the same is on record once.
  if (kept === undefined || failures > 1) return;
  for (const shard of shards) {
    shard.append(rejected(fault, shard, kept.rules)).catch((error: unknown) => {
      log.error({ detail: messageOf(error) }, 'a change could not be recorded');
    });
  }
}

function rejected(fault: Fault, { epoch }: DecidingShard, { policies }: Rules): EntryBody {
  const kept = epoch?.hash ?? policies.hash;
  return { type: 'policy.rejected', why: { code: fault.code }, kept, at: placeOf(fault).slice(0, 256) };
}

function refusedPolicies(fault: Fault): RefusedPolicies {
  const [first] = policyProblemsOf(fault);
  const problem = (first?.message ?? fault.message).slice(0, PROBLEM_CHARACTERS_MAX);
  return { code: fault.code, problem, at: placeOf(fault), since: new Date().toISOString() };
}

function placeOf(fault: Fault): string {
  const [first] = policyProblemsOf(fault);
  return first === undefined ? 'unknown' : `${first.file}:${first.line}:${first.col}`;
}
