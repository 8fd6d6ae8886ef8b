import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { WitnessProcess } from './witness-process.js';

/** What the `witnesses` of a configuration say of one. */
type NamedWitness = Pick<WitnessProcess, 'name' | 'vkey' | 'url'>;

/** Copies writ.yaml and the policies of `example` into `target`. Returns the path of the copy. */
export async function copyConfig(example: string, target: string): Promise<string> {
  const config = join(target, 'writ.yaml');
  await cp(join(example, 'policies'), join(target, 'policies'), { recursive: true });
  await cp(join(example, 'writ.yaml'), config);
  return config;
}

/** Adds a witness to a configuration that has none, as its operator would by hand. */
export async function addWitness(config: string, { name, vkey, url }: NamedWitness): Promise<void> {
  const text = await readFile(config, 'utf8');
  const lines = [
    '',
    'witnesses:',
    `  - name: ${name}`,
    `    vkey: '${vkey}'`,
    `    url: ${url}`,
    'witnessQuorum: 1',
    '',
  ];
  await writeFile(config, text.trimEnd() + lines.join('\n'));
}
