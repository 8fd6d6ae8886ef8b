// Compiles everything into dist/, from nothing: what was deleted from the sources must not live on there.
// Beside that each program becomes dist/programs/NAME.js, which a process reads in a third of the time of a thousand modules.
import { build } from 'esbuild';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
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
if (status !== 0) process.exit(status ?? 1);

rmSync(`${dist}/programs`, { recursive: true, force: true });
const options = {
  absWorkingDir: root,
  outdir: 'dist/programs',
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  // CommonJS packages inside ask for Node's own modules by `require`.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
  external: [
    // They read files that lie beside them.
    '@cedar-policy/cedar-wasm',
    '@electric-sql/*',
    // What Nest loads only for what Writ does not use.
    '@grpc/*',
    '@nats-io/transport-node',
    '@nestjs/platform-*',
    '@nestjs/websockets',
    'amqp-connection-manager',
    'amqplib',
    'class-transformer',
    'class-validator',
    'ioredis',
    'kafkajs',
    'mqtt',
  ],
  logLevel: 'warning',
};
const entries = (apps) => Object.fromEntries(apps.map((app) => [app, `dist/apps/${app}/src/main.js`]));
const services = readdirSync(`${dist}/apps`).filter((app) => app !== 'cli');
await Promise.all([
  // Whole: in parts, modules would start in another order than Nest's decorators need.
  build({ ...options, entryPoints: entries(services) }),
  // In parts: a command reads what it uses.
  build({ ...options, entryPoints: entries(['cli']), splitting: true, chunkNames: 'cli-[hash]' }),
  // A test starts it a thousand times.
  build({ ...options, entryPoints: ['dist/test/harness/dying-executor.js'], outdir: 'dist/test/programs' }),
]);
