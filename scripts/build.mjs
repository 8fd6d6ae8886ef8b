// Compiles everything into dist/, from nothing: what was deleted from the sources must not live on there.
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = `${root}dist`;
// tsc is incremental: a build file that is older than the configuration it was made with is no use.
const buildInfo = `${dist}/.tsbuildinfo`;
const newest = Math.max(
  ...['tsconfig.json', 'tsconfig.build.json', 'package.json'].map((file) => statSync(`${root}${file}`).mtimeMs),
);
if (existsSync(dist) && (!existsSync(buildInfo) || statSync(buildInfo).mtimeMs < newest))
  rmSync(dist, { recursive: true });
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' });
process.exit(status ?? 1);
