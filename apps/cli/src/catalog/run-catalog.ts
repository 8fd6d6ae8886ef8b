import { type Agent, type Catalog, connectAgent, WritError } from '#writ/agent-sdk';
import { deploymentPaths, readProfile } from '#writ/deployment';
import { exitOf, tellError } from '../call/run-call.js';
import { type Cli, type CommonOptions, dataDirectory } from '../cli.js';
import { EXIT } from '../exit-codes.js';
import { painter } from '../paint.js';
import { formatCatalog } from './format-catalog.js';

export interface CatalogOptions extends CommonOptions {
  readonly as: string;
}

/** Connects as the agent and tells what it could use. Returns the exit code. */
export async function runCatalog(options: CatalogOptions, cli: Cli): Promise<number> {
  const profile = await readProfile(deploymentPaths(dataDirectory(options)), options.as);
  let agent: Agent | undefined;
  try {
    agent = await connectAgent(profile);
    tell(await agent.catalog(), options, cli);
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof WritError)) throw error;
    tellError(error, options, cli);
    return exitOf(error);
  } finally {
    await agent?.close();
  }
}

function tell(catalog: Catalog, { json, as }: CatalogOptions, cli: Cli): void {
  if (json) cli.print(JSON.stringify({ agent: as, ...catalog }));
  else for (const line of formatCatalog(as, catalog, painter(cli.isColoured))) cli.print(line);
}
