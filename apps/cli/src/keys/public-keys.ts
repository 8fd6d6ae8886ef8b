import { loadCatalogue } from '#writ/catalogue';
import { deploymentPaths, openDeployment, type PublicKeys, readPublicKeys } from '#writ/deployment';
import { existsSync } from 'node:fs';

/**
 * The public keys of a deployment, running or not. One that was never started gets all its keys now, so that witnesses can be told
 * of its log before there is anything in it. Throws CONFIG_*.
 */
export async function publicKeys(where: { readonly config: string; readonly dataDir: string }): Promise<PublicKeys> {
  const paths = deploymentPaths(where.dataDir);
  const isMade = existsSync(paths.deploymentFile) && existsSync(paths.logVkey);
  if (!isMade) {
    const { config } = await loadCatalogue(where.config, process.env);
    const deployment = await openDeployment({ dataDir: where.dataDir, config });
    await deployment.close();
  }
  return readPublicKeys(paths);
}
