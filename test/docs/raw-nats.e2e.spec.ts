import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Gateway, runCli } from '../harness/gateway.js';
import { testNatsServer } from '../harness/nats-server.js';
import { at } from './repository.js';

const binary = await testNatsServer();

/** Runs the worked example of docs/protocol.md: a plain NATS client and nothing of Writ. */
async function runExample(...args: readonly string[]) {
  const child = spawn(process.execPath, [at('examples/raw-nats/agent.mjs'), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { status, answer: JSON.parse(stdout) as unknown };
}

(binary === undefined ? describe.skip : describe)('the worked example of docs/protocol.md', () => {
  let folder: string;
  let gateway: Gateway;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'writ-raw-'));
    const directory = join(folder, 'my-writ');
    await runCli(['init', directory]);
    const config = join(directory, 'writ.yaml');
    // Any free port: another Writ may run on this machine.
    await writeFile(config, (await readFile(config, 'utf8')).replace('port: 4222', 'port: 0'));
    gateway = await Gateway.startIn(directory);
  }, 120_000);
  afterAll(async () => {
    await gateway.stop();
    await rm(folder, { recursive: true, force: true });
  }, 30_000);

  it.each([
    ['assistant', { text: 'hello' }, { status: 'completed', output: { text: 'hello' } }, 0],
    ['guest', { text: 'hello', times: 3 }, { status: 'denied', code: 'policy_forbids' }, 1],
    ['guest', { words: 'hello' }, { status: 'refused', code: 'INPUT_ARGUMENTS_INVALID' }, 1],
  ])('runs as %s with %j', async (agent, args, answer, status) => {
    const body = JSON.stringify({ tool: 'demo.echo', args });
    const ran = await runExample(gateway.paths.profile(agent), 'tool.call', body);
    expect(ran).toMatchObject({ status, answer });
  });

  it('writes and finds a record', async () => {
    const profile = gateway.paths.profile('assistant');
    const records = [{ id: 'offsite', text: 'the offsite is in May' }];
    const written = await runExample(profile, 'memory.write', JSON.stringify({ namespace: 'team.notes', records }));
    expect(written.answer).toMatchObject({ status: 'completed', output: { ids: ['offsite'] } });
    const query = JSON.stringify({ namespace: 'team.notes', text: 'offsite', k: 1 });
    const found = await runExample(profile, 'memory.query', query);
    expect(found.answer).toMatchObject({ output: { records: [{ id: 'offsite', owner: 'assistant' }] } });
  });
});
