// An unmodified MCP server from the npm registry, governed: one agent may read with it, the other may not.
//
//   npm run build && node examples/mcp-filesystem/run.mjs
//
// It says what it sees, and ends with an error when that is not what the README promises.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const writ = join(here, '..', '..', 'bin', 'writ.js');
const server = createRequire(import.meta.url).resolve('@modelcontextprotocol/server-filesystem/dist/index.js');

const folder = await mkdtemp(join(tmpdir(), 'writ-files-'));
const documents = join(folder, 'documents');
await cp(here, folder, { recursive: true });
await mkdir(documents);
await writeFile(join(documents, 'hello.txt'), 'hello from the documents\n');
await writeFile(join(folder, 'secret.txt'), 'not one of the documents\n');

const [nodeModules] = server.split('/@modelcontextprotocol/');
const variables = { NODE: process.execPath, MCP_FILESYSTEM: server, NODE_MODULES: nodeModules, DOCUMENTS: documents };
const env = { ...process.env, ...variables };
const places = ['--config', join(folder, 'writ.yaml'), '--data', join(folder, '.writ')];
const up = spawn(process.execPath, [writ, 'up', ...places, '--json'], { env, stdio: ['ignore', 'pipe', 'inherit'] });

/** Calls a tool as an agent: exit code and answer, as `writ call` gives them. */
function call(agent, tool, args) {
  const words = ['call', '--as', agent, '--data', join(folder, '.writ'), '--json', 'tool', tool, JSON.stringify(args)];
  return new Promise((resolve) => {
    execFile(process.execPath, [writ, ...words], (error, stdout) => {
      console.log(`${agent} ${tool}: ${stdout.trim()}`);
      resolve({ code: error?.code ?? 0, text: stdout });
    });
  });
}

try {
  const lines = createInterface({ input: up.stdout });
  let isReady = false;
  for await (const line of lines) {
    isReady = JSON.parse(line).event === 'ready';
    if (isReady) break;
    console.error(line);
  }
  assert(isReady, 'writ up ended before it was ready');
  const path = join(documents, 'hello.txt');

  const read = await call('reader', 'files.read_text_file', { path });
  assert.equal(read.code, 0);
  assert.match(read.text, /hello from the documents/);

  // Nobody permits it, so nothing is asked of the server.
  const guest = await call('guest', 'files.read_text_file', { path });
  assert.equal(guest.code, 1);
  assert.doesNotMatch(guest.text, /hello/);
  const written = await call('reader', 'files.write_file', { path, content: 'changed' });
  assert.equal(written.code, 1);

  // Permitted, and the server itself, or the walls around it, refuse.
  const outside = await call('reader', 'files.read_text_file', { path: join(folder, 'secret.txt') });
  assert.equal(outside.code, 2);
  assert.doesNotMatch(outside.text, /not one of the documents/);
  console.log('as promised');
} finally {
  up.stdout.resume();
  up.kill('SIGTERM');
  if (up.exitCode === null && up.signalCode === null) await once(up, 'exit');
  await rm(folder, { recursive: true, force: true });
}
