import type { Rules } from '#writ/authorisation';
import { type EntryBody } from '#writ/contracts';
import { deploymentPaths, listAgents } from '#writ/deployment';
import { type Fault, messageOf } from '#writ/faults';
import { policyProblemsOf } from '#writ/policy';
import { loadRules } from '#writ/policy-loader';
import type { ServiceContext } from '#writ/service-host';
import { stat, readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Shard } from './ports.js';
import { ChangeWatcher } from './change-watcher.js';
import { RulesKeeper } from './rules-keeper.js';

/** The rules in force, and their life on record. */
export interface WatchedRules {
  readonly current: Rules;
  /** Says on a newly owned shard which policies it decides by, when its chain does not say so already. */
  recordOn(shard: Shard): Promise<void>;
  watch(): void;
  close(): void;
}

/** Loads policies and agents, and follows changes of both. Throws POLICY_*: a service does not start on bad policies. */
export async function openRules(context: ServiceContext, shards: () => readonly Shard[]): Promise<WatchedRules> {
  const { catalogue, settings, log } = context;
  const paths = deploymentPaths(settings.WRIT_DATA);
  const { policies, obligations } = catalogue.config;
  const folders = [policies, ...(obligations === undefined ? [] : [obligations])];
  const look = () =>
    fingerprint(
      folders.map((folder) => resolve(catalogue.baseDirectory, folder)),
      paths.agentsFile,
    );
  const recordAll = (body: (shard: Shard) => EntryBody | undefined) => {
    for (const shard of shards()) {
      const entry = body(shard);
      if (entry === undefined) continue;
      shard.append(entry).catch((error: unknown) => {
        log.error({ detail: messageOf(error) }, 'a change could not be recorded');
      });
    }
  };
  // Taken before the files are read: a change in between is seen at the first look.
  const loaded = await look();
  const keeper = await RulesKeeper.open({
    catalogue,
    load: async (agents) => (await loadRules({ catalogue, agents, dataDir: paths.dataDir })).policies,
    agents: () => listAgents(paths),
    onChanged: (rules) => {
      log.warn({ bundle: rules.policies.hash, policies: rules.policies.size }, 'the rules changed');
      recordAll((shard) => changed(shard, rules));
    },
    onRejected: (fault, kept) => {
      log.error({ code: fault.code, detail: fault.message, kept: kept.policies.hash }, 'a bad change was refused');
      recordAll(() => rejected(fault, kept));
    },
  });
  const watcher = new ChangeWatcher(look, loaded, () => keeper.reload());
  return {
    get current() {
      return keeper.current;
    },
    recordOn: async (shard) => {
      const entry = changed(shard, keeper.current);
      if (entry !== undefined) await shard.append(entry);
    },
    watch: () => watcher.start((error) => log.error({ detail: messageOf(error) }, 'the policies cannot be looked at')),
    close: () => watcher.stop(),
  };
}

function changed(shard: Shard, { policies }: Rules): EntryBody | undefined {
  if (shard.calls.bundle === policies.hash) return undefined;
  return { type: 'policy.changed', bundle: { old: shard.calls.bundle, new: policies.hash }, policies: policies.size };
}

function rejected(fault: Fault, kept: Rules): EntryBody {
  const [first] = policyProblemsOf(fault);
  const at = first === undefined ? 'unknown' : `${first.file}:${first.line}:${first.col}`;
  return { type: 'policy.rejected', why: { code: fault.code }, kept: kept.policies.hash, at: at.slice(0, 256) };
}

/** Names, sizes and times of everything that the rules are made from: another text, another fingerprint. */
async function fingerprint(directories: readonly string[], agentsFile: string): Promise<string> {
  const listed = await Promise.all(
    directories.map(async (directory) => {
      const names = await readdir(directory, { recursive: true });
      return names.filter((name) => name.endsWith('.cedar')).map((name) => join(directory, name));
    }),
  );
  const files = [...listed.flat().toSorted(), agentsFile];
  const stats = await Promise.all(
    files.map(async (file) => {
      const { size, mtimeMs, ino } = await stat(file);
      return `${file} ${size} ${mtimeMs} ${ino}`;
    }),
  );
  return stats.join('\n');
}
