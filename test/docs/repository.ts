import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Absolute path of a file of the repository. */
export function at(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url));
}

export function read(path: string): string {
  return readFileSync(at(path), 'utf8');
}

/** Every Markdown file that is part of the repository's own documentation. */
export function documents(): readonly string[] {
  const below = ['docs', 'deploy', 'examples'].flatMap((folder) =>
    readdirSync(at(folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md') && !name.includes('node_modules'))
      .map((name) => `${folder}/${name}`),
  );
  return ['README.md', 'ARCHITECTURE.md', ...below];
}

/** The anchor that renderers make of a heading. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(/\s/g, '-');
}
