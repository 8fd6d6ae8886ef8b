import type { WritConfig } from '#writ/catalogue';
import { Fault } from '#writ/faults';
import { readFileIfPresent, readSecretFile, writeFileAtomic } from '#writ/files';
import { existsSync } from 'node:fs';
import type { DeploymentPaths } from './paths.js';

/**
 * Makes the certificate authority of the egress proxy where the configuration has destinations that it looks into, and there is none. It is
 * no evidence: with its key file removed another one is made, which clients have to trust anew.
 */
export async function createEgressCa(paths: DeploymentPaths, { egressProxy, ledger }: WritConfig): Promise<void> {
  if ((egressProxy?.inspect ?? []).length === 0 || existsSync(paths.egressCaKey)) return;
  const { createCa } = await import('#writ/local-ca');
  const { key, certificate } = await createCa(`Writ egress proxy of ${ledger}`.slice(0, 64), Date.now());
  await writeFileAtomic(paths.egressCa, certificate);
  // If the process dies here the certificate is that of no key, and the next start writes both again.
  await writeFileAtomic(paths.egressCaKey, key);
}

/** Key and certificate of the authority, in PEM. Throws CONFIG_KEY, naming the file. */
export async function readEgressCa(
  paths: DeploymentPaths,
): Promise<{ readonly key: string; readonly certificate: string }> {
  const key = await readSecretFile(paths.egressCaKey);
  const certificate = await readFileIfPresent(paths.egressCa);
  if (certificate === undefined) throw new Fault('CONFIG_KEY', `the certificate \`${paths.egressCa}\` is missing`);
  return { key, certificate };
}

/** How contained programs reach the egress proxy as an agent: by the folder of its socket, and trusting its authority where it has one. */
export function egressWays(
  paths: DeploymentPaths,
  { egressProxy }: Pick<WritConfig, 'egressProxy'>,
): (agent: string) => { readonly folder: string; readonly ca?: string } {
  const isInspecting = (egressProxy?.inspect ?? []).length > 0;
  return (agent) => ({ folder: paths.egressDir(agent), ...(isInspecting && { ca: paths.egressCa }) });
}
