import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Fault } from '#writ/faults';
import { type RedactionMeans, readRuleFile } from '#writ/redaction';
import type { Catalogue } from './catalogue.js';

/** Of a file that was named by mistake not everything is read. */
const FILE_BYTES_MAX = 4_194_304;

/** The rules of the file that the configuration names; undefined when it names none. Throws CONFIG_INVALID with what is wrong where. */
export async function readRedactionRules({
  config,
  baseDirectory,
}: Pick<Catalogue, 'config' | 'baseDirectory'>): Promise<RedactionMeans['rules']> {
  const { redactionRules: file } = config;
  if (file === undefined) return undefined;
  const path = resolve(baseDirectory, file);
  let text: string;
  try {
    const { size } = await stat(path);
    if (size > FILE_BYTES_MAX) throw new Error(`over ${FILE_BYTES_MAX} bytes`);
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new Fault('CONFIG_INVALID', `the rule file \`${file}\` is missing, too large or cannot be read`, { cause });
  }
  return readRuleFile(text, file);
}
