import { loadCatalogue, policyFoldersOf } from '#writ/catalogue';
import { deploymentPaths, openDeployment, readSigningKey } from '#writ/deployment';
import { Fault } from '#writ/faults';
import { loadRules, MANIFEST_FILE } from '#writ/policy-loader';
import { FILES_AUTHOR, parseManifest, type SignedManifest, signManifest } from '#writ/signing';
import { existsSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { type Cli, type CommonOptions, configPath, dataDirectory } from '../cli.js';
import { knownAgents } from './check-policies.js';

export interface PublishOptions extends CommonOptions {
  readonly author?: string;
  readonly version?: number;
  readonly over?: number;
}

/**
 * Signs the policies as they are now, with the operator's key: beside them, in `manifest.json`. Throws POLICY_* when they do not
 * load, CONFIG_* and POLICY_UNSIGNED when the manifest that is there cannot be read.
 */
export async function runPublish(options: PublishOptions, cli: Cli): Promise<void> {
  const catalogue = await loadCatalogue(configPath(options), process.env);
  const dataDir = dataDirectory(options);
  const paths = deploymentPaths(dataDir);
  // Before the first start there are no keys yet: they are made here as `writ up` would.
  if (!existsSync(paths.deploymentFile)) await (await openDeployment({ dataDir, config: catalogue.config })).close();
  const { bundle } = await loadRules({ catalogue, agents: await knownAgents(catalogue, dataDir), dataDir });
  const file = join(policyFoldersOf(catalogue).policies, MANIFEST_FILE);
  const before = await readBefore(file);
  const manifest = signManifest(
    {
      v: 1,
      ledger: catalogue.config.ledger,
      version: options.version ?? (before?.version ?? 0) + 1,
      hash: bundle.hash,
      author: options.author ?? userInfo().username,
      at: new Date().toISOString(),
      ...(options.over !== undefined && { over: options.over }),
    },
    await readSigningKey(paths.producerKey('operator')),
  );
  if (manifest.author === FILES_AUTHOR) {
    throw new Fault('CONFIG_INVALID', `\`${FILES_AUTHOR}\` stands for the files themselves: give another \`--author\``);
  }
  // The same rules as whoever reads it: a bad author is told here.
  parseManifest(JSON.stringify(manifest));
  const draft = `${file}.${process.pid}.draft`;
  await writeFile(draft, `${JSON.stringify(manifest, null, 2)}\n`);
  // If the process dies here the old manifest holds, and a stray draft is left.
  await rename(draft, file);
  if (options.json) cli.print(JSON.stringify({ ...manifest, file }));
  else
    cli.print(`version ${manifest.version} by ${manifest.author}: ${bundle.policies.length} policies, ${bundle.hash}`);
  if (catalogue.config.policyActivation === 'files') {
    cli.note(
      'note: `policyActivation` is `files`: the decision services put in force whatever loads, published or not',
    );
  }
}

async function readBefore(file: string): Promise<SignedManifest | undefined> {
  if (!existsSync(file)) return undefined;
  try {
    return parseManifest(await readFile(file, 'utf8'));
  } catch (cause) {
    throw new Fault('POLICY_UNSIGNED', `\`${file}\` is no manifest; remove it to start at version 1`, { cause });
  }
}
