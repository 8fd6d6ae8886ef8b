import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault } from '#writ/faults';
import type { WritConfig } from './schema.js';
import type { ToolDeclaration } from './tool-schema.js';
import { ToolFile } from './tool-schema.js';
import { validate } from './validate.js';
import { type FaultAt, parseYaml } from './yaml-source.js';

/** A file of tools: its name relative to the configuration, for messages, and its text. */
export interface ToolFileText {
  readonly file: string;
  readonly text: string;
}

/** What the files of tools end with. */
export const TOOL_FILE_END = '.tools.yaml';
const FILES_MAX = 256;
const FILE_BYTES_MAX = 8_388_608;

/** Reads the `*.tools.yaml` files of a folder, by name. Without the folder there are none. Throws CONFIG_INVALID. */
export async function readToolFiles(baseDirectory: string, folder: string): Promise<readonly ToolFileText[]> {
  const names = await readdir(join(baseDirectory, folder)).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return [];
    throw new Fault('CONFIG_INVALID', `the folder \`${folder}\` cannot be read`, { cause });
  });
  const files = names.filter((name) => name.endsWith(TOOL_FILE_END)).toSorted();
  if (files.length > FILES_MAX) throw new Fault('CONFIG_INVALID', `\`${folder}\` has more than ${FILES_MAX} files`);
  return Promise.all(files.map((name) => readToolFile(baseDirectory, join(folder, name))));
}

async function readToolFile(baseDirectory: string, file: string): Promise<ToolFileText> {
  const bytes = await readFile(join(baseDirectory, file)).catch((cause: unknown) => {
    throw new Fault('CONFIG_INVALID', `\`${file}\` cannot be read`, { cause });
  });
  if (bytes.length > FILE_BYTES_MAX) throw new Fault('CONFIG_INVALID', `\`${file}\` is over ${FILE_BYTES_MAX} bytes`);
  return { file, text: bytes.toString('utf8') };
}

/**
 * The configuration with the tools of the files, and a way to name the place of a mistake in the file that has it. Throws
 * CONFIG_INVALID, also for a tool that is declared twice. The environment is not put into these files: what stands in them was
 * written by others, who would read secrets by naming them.
 */
export function withToolFiles(
  config: WritConfig,
  files: readonly ToolFileText[],
  faultAt: FaultAt,
): { readonly config: WritConfig; readonly faultAt: FaultAt } {
  const tools = new Map<string, ToolDeclaration>(Object.entries(config.tools));
  const places = new Map<string, FaultAt>();
  for (const { file, text } of files) {
    const source = parseYaml(text, file);
    for (const [name, tool] of Object.entries(validate(ToolFile, source.value, source.fault).tools)) {
      if (tools.has(name)) throw source.fault(['tools', name], 'is declared elsewhere too');
      tools.set(name, tool);
      places.set(name, source.fault);
    }
  }
  return {
    config: { ...config, tools: Object.fromEntries(tools) },
    faultAt: (path, problem) => {
      const place = path[0] === 'tools' ? places.get(String(path[1])) : undefined;
      return (place ?? faultAt)(path, problem);
    },
  };
}
