import type { Rules } from '#writ/authorisation';
import { type EntryBody } from '#writ/contracts';
import { deploymentPaths, listAgents } from '#writ/deployment';
import { Fault, messageOf } from '#writ/faults';
import { policyProblemsOf } from '#writ/policy';
import { entitiesOf, loadRules, MANIFEST_FILE } from '#writ/policy-loader';
import type { ServiceContext } from '#writ/service-host';
import {
  type Authority,
  FILES_AUTHOR,
  parseManifest,
  type SignedManifest,
  signManifest,
  verifyManifest,
} from '#writ/signing';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { PolicyEpoch } from './calls.js';
import type { DecidingShard } from './ports.js';
import { ChangeWatcher } from './change-watcher.js';
import { PolicyActivation } from './policy-activation.js';
import { policyFingerprint } from './policy-fingerprint.js';
import { RulesKeeper } from './rules-keeper.js';

/** The newest rules that loaded, and their life on record. */
export interface WatchedRules {
  readonly newest: Rules;
  /** Whether they may follow what is in force in a chain. */
  isAcceptable(epoch: PolicyEpoch | undefined): boolean;
  /** Puts them in force on a newly owned shard, when its chain does not say so already. */
  activateOn(shard: DecidingShard): Promise<void>;
  watch(): void;
  close(): void;
}

/** Loads policies and agents, and follows changes of both. Throws POLICY_*: a service does not start on bad policies. */
export async function openRules(
  context: ServiceContext,
  shards: () => readonly DecidingShard[],
): Promise<WatchedRules> {
  const { catalogue, settings, log, key, authority } = context;
  const paths = deploymentPaths(settings.WRIT_DATA);
  const { config } = catalogue;
  const inBase = (folder: string) => resolve(catalogue.baseDirectory, folder);
  const folders = {
    policies: inBase(config.policies),
    ...(config.obligations === undefined ? {} : { obligations: inBase(config.obligations) }),
  };
  const manifestFile = join(folders.policies, MANIFEST_FILE);
  const look = () => policyFingerprint(folders, [paths.agentsFile, manifestFile]);
  // Taken before the files are read: a change in between is seen at the first look.
  const loaded = await look();
  const keeper: RulesKeeper = await RulesKeeper.open({
    catalogue,
    load: async (agents) => (await loadRules({ catalogue, agents, dataDir: paths.dataDir })).policies,
    agents: () => listAgents(paths),
    entities: (agents) => entitiesOf(catalogue, agents),
    manifestOf: async ({ hash }) =>
      config.policyActivation === 'files' ? undefined : readManifest(manifestFile, hash, authority()),
    onChanged: () => void activation.activateAll(),
    onRejected: (fault, { rules }) => recordRejection(fault, rules, { shards: shards(), log }),
  });
  const activation = new PolicyActivation({
    published: () => keeper.current,
    shards,
    manifestFor: (hash, version) => {
      const at = new Date().toISOString();
      return signManifest({ v: 1, ledger: config.ledger, version, hash, author: FILES_AUTHOR, at }, key);
    },
    log,
  });
  const watcher = new ChangeWatcher(look, loaded, () => keeper.reload());
  return {
    get newest() {
      return keeper.current.rules;
    },
    isAcceptable: (epoch) => activation.isAcceptable(epoch),
    activateOn: (shard) => activation.activateFirst(shard),
    watch: () => watcher.start((error) => log.error({ detail: messageOf(error) }, 'the policies cannot be looked at')),
    close: () => watcher.stop(),
  };
}

/** Throws POLICY_UNSIGNED unless an operator's manifest says that these very policies are to be in force. */
async function readManifest(file: string, hash: string, authority: Authority): Promise<SignedManifest> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new Fault('POLICY_UNSIGNED', 'nobody has published the policies: `writ policy publish`', { cause });
  });
  const manifest = parseManifest(text);
  verifyManifest(manifest, authority, ['operator']);
  if (manifest.hash === hash) return manifest;
  throw new Fault(
    'POLICY_UNSIGNED',
    `the policies are ${hash}; version ${manifest.version} publishes ${manifest.hash}`,
  );
}

function recordRejection(
  fault: Fault,
  rules: Rules,
  { shards, log }: { readonly shards: readonly DecidingShard[]; readonly log: ServiceContext['log'] },
): void {
  log.error({ code: fault.code, detail: fault.message, kept: rules.policies.hash }, 'a bad change was refused');
  for (const shard of shards) {
    shard.append(rejected(fault, shard, rules)).catch((error: unknown) => {
      log.error({ detail: messageOf(error) }, 'a change could not be recorded');
    });
  }
}

function rejected(fault: Fault, { epoch }: DecidingShard, { policies }: Rules): EntryBody {
  const [first] = policyProblemsOf(fault);
  const at = first === undefined ? 'unknown' : `${first.file}:${first.line}:${first.col}`;
  const kept = epoch?.hash ?? policies.hash;
  return { type: 'policy.rejected', why: { code: fault.code }, kept, at: at.slice(0, 256) };
}
