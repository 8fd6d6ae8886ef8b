import { readFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import type { z } from 'zod';
import { parse } from '#writ/contracts';
import { Fault } from '#writ/faults';
import type { Catalogue } from './catalogue.js';
import { type Environment, substituteEnvironment } from './environment.js';
import { WritConfig } from './schema.js';
import { parseYaml } from './yaml-source.js';

/** The folders of both sets of policies, absolute. */
export interface PolicyFolders {
  readonly policies: string;
  readonly obligations?: string;
}

const Folders = WritConfig.pick({ policies: true, obligations: true }).strip();

/**
 * Where a configuration says that its policies are. Nothing else of it is looked at, so it takes none of the variables that services
 * need. Throws CONFIG_INVALID.
 */
export async function readPolicyFolders(path: string, environment: Environment): Promise<PolicyFolders> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new Fault('CONFIG_INVALID', `the configuration \`${path}\` cannot be read`, { cause });
  });
  const source = parseYaml(text, basename(path));
  const value = parse(Folders.partial(), source.value, 'CONFIG_INVALID');
  return inBase(dirname(resolve(path)), Folders.parse(substituteEnvironment({ ...source, value }, environment)));
}

/** The folders of a configuration that was read whole. */
export function policyFoldersOf({ baseDirectory, config }: Pick<Catalogue, 'baseDirectory' | 'config'>): PolicyFolders {
  return inBase(baseDirectory, config);
}

function inBase(base: string, { policies, obligations }: z.infer<typeof Folders>): PolicyFolders {
  return {
    policies: resolve(base, policies),
    ...(obligations !== undefined && { obligations: resolve(base, obligations) }),
  };
}
