// Starts a service and a deployment in a new folder, and has unmodified programs ask for what they may and may not have.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const writ = join(here, '..', '..', 'bin', 'writ.js');
const folder = mkdtempSync(join(tmpdir(), 'writ-curl-'));
const children = [];

const service = createServer((request, response) => response.end(`hello from ${request.url}\n`)).listen(0, '127.0.0.1');
await new Promise((resolve) => service.once('listening', resolve));
const origin = `http://127.0.0.1:${service.address().port}`;
writeFileSync(
  join(folder, 'writ.yaml'),
  `version: 1
ledger: curl-through-the-proxy.example/default/0
listen: { port: 0 }
agents: { script: {} }
egressProxy: { listen: { port: 0 } }
destinations:
  office: { origin: '${origin}', internal: true }
`,
);
mkdirSync(join(folder, 'policies'));
writeFileSync(
  join(folder, 'policies', 'egress.cedar'),
  `@id("scripts-read")
permit (principal == Agent::"script", action == Action::"fetch", resource) when { context.input.path == "/open" };
@id("not-the-secret")
@reason_agent("the secret is not for scripts")
forbid (principal, action == Action::"fetch", resource) when { context.input.path == "/secret" };
`,
);

/** Starts a program whose first line of output says that it is there, and gives that line. */
async function started(command, args) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  for await (const line of createInterface({ input: child.stdout })) {
    child.stdout.resume();
    return line;
  }
  throw new Error(`${args[0]} ended before it was there`);
}

const data = join(folder, '.writ');
const run = (...args) =>
  spawnSync(process.execPath, [writ, ...args, '--data', data], { encoding: 'utf8' }).stdout.trim();
let status = 1;
try {
  const line = await started(process.execPath, [
    writ,
    'up',
    '--config',
    join(folder, 'writ.yaml'),
    '--data',
    data,
    '--json',
  ]);
  if (JSON.parse(line).event !== 'ready') throw new Error(line);
  const { processes } = JSON.parse(readFileSync(join(data, 'run', 'status.json'), 'utf8'));
  const { healthPort } = processes.find(({ name }) => name === 'egress-proxy-1');
  const { proxyPort } = await (await fetch(`http://127.0.0.1:${healthPort}/readyz`)).json();
  const proxy = (port) => `http://script:${run('agent', 'proxy-token', 'script')}@127.0.0.1:${port}`;
  const environment = (port) => ({
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    http_proxy: proxy(port),
    https_proxy: proxy(port),
  });
  const urls = [`${origin}/open`, `${origin}/secret`];
  // Not spawnSync: the service is in this process and has to answer.
  const asked = (command, args, env) =>
    new Promise((resolve) => spawn(command, args, { env, stdio: 'inherit' }).once('close', resolve));
  status = await asked(join(here, 'ask.sh'), [process.execPath, ...urls], environment(proxyPort));
  if (spawnSync('unshare', ['-rn', 'true']).status === 0) {
    console.log('\nIn a network namespace whose only way out is the proxy:');
    const socket = join(folder, 'proxy.sock');
    await started(process.execPath, [join(here, 'bridge.mjs'), socket, String(proxyPort)]);
    const inside = [join(here, 'inside.sh'), process.execPath, socket, ...urls];
    status ||= await asked('unshare', ['-rn', ...inside], environment(3128));
  } else {
    console.log('\nNo network namespace can be made here: nothing keeps these programs from going around the proxy.');
  }
} finally {
  for (const child of children.toReversed()) child.kill('SIGTERM');
  await Promise.all(children.map((child) => child.exitCode ?? new Promise((resolve) => child.once('close', resolve))));
  service.close();
  service.closeAllConnections();
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = status;
