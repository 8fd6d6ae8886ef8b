import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readCatalogue } from '#writ/catalogue';
import { Sandbox } from '#writ/containment';
import { pathWithBubblewrap } from '../../../test/harness/bubblewrap.js';
import { listenForPrograms, programAgents } from './program-sockets.js';
import { basic, ProxyFixture } from './proxy.fixture.js';

const path = pathWithBubblewrap();
const DESTINATIONS = `  api: { origin: 'http://api.example.com' }\n`;

/** Asks what each line of its input says, and answers it with a line. */
const PROGRAM = `
const http = require('node:http');
const net = require('node:net');
const { hostname: host, port } = new URL(process.env.HTTP_PROXY);
const does = {
  ask: (url, header = '') => new Promise((resolve) => {
    const [name, value] = header.trim().split(': ');
    const headers = { host: new URL(url).host, ...(name && { [name]: value }) };
    http.get({ host, port, path: url, headers }, async (answer) => {
      const text = (await answer.toArray()).join('');
      resolve(answer.statusCode + ' ' + (answer.headers['writ-code'] ?? text));
    }).on('error', ({ code }) => resolve(code));
  }),
  dial: (to, at) => new Promise((resolve) => {
    net.connect(Number(at), to, () => resolve('connected')).on('error', ({ code }) => resolve(code));
  }),
  list: async (directory) => require('node:fs').readdirSync(directory).join(' '),
  end: async (code) => process.exit(Number(code)),
  die: async () => process.kill(process.pid, 'SIGKILL'),
};
require('node:readline').createInterface({ input: process.stdin }).on('line', async (line) => {
  const [verb, ...words] = JSON.parse(line);
  console.log(await does[verb](...words));
});`;

/** A program that does what it is told, and says what came of it. */
class Told {
  readonly closed: Promise<unknown>;
  #said = '';

  constructor(private readonly child: ChildProcessWithoutNullStreams) {
    this.closed = once(child, 'close');
    child.stdout.setEncoding('utf8').on('data', (text: string) => (this.#said += text));
    child.stderr.resume();
  }

  tell(...words: readonly string[]): void {
    this.child.stdin.write(`${JSON.stringify(words)}\n`);
  }

  async asked(...words: readonly string[]): Promise<string> {
    this.#said = '';
    this.tell(...words);
    const ended = this.closed.then((how) => Promise.reject(new Error(`it ended: ${JSON.stringify(how)}`)));
    while (!this.#said.endsWith('\n')) await Promise.race([once(this.child.stdout, 'data'), ended]);
    ended.catch(() => undefined);
    return this.#said.trim();
  }
}

describe('sockets for programs', () => {
  let scratch: string;
  let servers: readonly Server[] = [];
  const directoryOf = (agent: string) => join(scratch, agent);
  const closeAll = () => Promise.all(servers.map((each) => new Promise((resolve) => each.close(resolve))));

  beforeEach(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'writ-sockets-'));
  });
  afterEach(async () => {
    for (const each of servers) each.closeAllConnections();
    await closeAll();
    servers = [];
    await rm(scratch, { recursive: true, force: true });
  });

  it('are one for each agent that a program is declared with', () => {
    const program = 'kind: command, command: x, input: {}, egress: { as: alice }';
    const { config } = readCatalogue(
      `version: 1
ledger: test/default/0
agents: { alice: {}, bob: {}, carol: {} }
egressProxy: {}
tools: { a: { ${program} }, b: { ${program} }, c: { kind: function, function: echo, input: {} } }
mcpServers: { d: { command: x, egress: { as: bob } }, e: { command: x }, f: { url: 'https://a.example/' } }`,
      { file: 'writ.yaml', baseDirectory: '/', environment: {} },
    );
    expect(programAgents(config)).toEqual(['alice', 'bob']);
  });

  it('are for this user alone, also where one was left by a proxy that was killed', async () => {
    await using fixture = await ProxyFixture.start({ destinations: DESTINATIONS });
    servers = await fixture.listenForPrograms(['alice'], directoryOf);
    await closeAll();
    await writeFile(join(scratch, 'alice', 'socket'), 'left');
    servers = await fixture.listenForPrograms(['alice'], directoryOf);
    const modes = await Promise.all(['alice', 'alice/socket'].map((each) => stat(join(scratch, each))));
    expect(modes.map(({ mode }) => mode & 0o777)).toEqual([0o700, 0o600]);
  });

  it('are refused where their path would be cut, and another file be made', async () => {
    const long = { directoryOf: () => join(scratch, 'x'.repeat(100)), bindable: () => createServer() };
    await expect(listenForPrograms(['alice'], long)).rejects.toMatchObject({ code: 'CONFIG_DATA_DIR' });
  });

  // Skipped where it is not: `bash test/harness/fetch-collectors.sh`.
  (path === undefined ? describe.skip : describe)('a contained program', () => {
    const started: ChildProcessWithoutNullStreams[] = [];
    afterEach(() => {
      for (const child of started.splice(0)) child.kill('SIGKILL');
    });

    async function contained(as: string): Promise<Told> {
      const egress = (agent: string) => ({ folder: directoryOf(agent) });
      const sandbox = await Sandbox.probe({ usual: 'required', hidden: [scratch], egress, path });
      const limits = { memoryBytesMax: 268_435_456, processesMax: 32 };
      const program = { command: process.execPath, args: ['-e', PROGRAM], env: {}, cwd: tmpdir() };
      const { command, args, env, cwd } = sandbox.contain(program, {
        args: [],
        read: [],
        write: [],
        ...limits,
        egress: { as },
      });
      const child = spawn(command, [...args], { env, cwd });
      started.push(child);
      return new Told(child);
    }

    it('reaches what its agent may reach, as that agent, and nothing else', async () => {
      await using fixture = await ProxyFixture.start({ destinations: DESTINATIONS });
      servers = await fixture.listenForPrograms(['alice', 'bob'], directoryOf);
      const [alice, bob] = await Promise.all([contained('alice'), contained('bob')]);
      const url = 'http://api.example.com/v1';
      expect(await alice.asked('ask', url)).toBe(`200 ${url}`);
      expect(await bob.asked('ask', url)).toBe('403 no_policy_permits');
      expect(await bob.asked('ask', url, basic('alice').trim())).toBe('403 PROXY_BAD_REQUEST');
      expect(await alice.asked('ask', 'http://other.example.com/')).toMatch(/^403 /);
      expect(fixture.dispatched).toHaveLength(1);
      expect(await alice.asked('dial', '127.0.0.1', String(fixture.port))).toBe('ECONNREFUSED');
      expect(await alice.asked('dial', '192.0.2.1', '80')).toBe('ENETUNREACH');
      expect(await alice.asked('list', '/writ-egress')).toBe('socket');
    });

    it('finds a proxy again that was started again meanwhile, and none while there is none', async () => {
      await using fixture = await ProxyFixture.start({ destinations: DESTINATIONS });
      servers = await fixture.listenForPrograms(['alice'], directoryOf);
      const alice = await contained('alice');
      const url = 'http://api.example.com/v1';
      expect(await alice.asked('ask', url)).toBe(`200 ${url}`);
      for (const each of servers) each.closeAllConnections();
      await closeAll();
      expect(await alice.asked('ask', url)).toBe('ECONNRESET');
      servers = await fixture.listenForPrograms(['alice'], directoryOf);
      expect(await alice.asked('ask', url)).toBe(`200 ${url}`);
    });

    it.each([
      ['end', '7', 7],
      ['die', '', 137],
    ])('ends as it ends, behind its bridge: %s %s', async (verb, word, code) => {
      const alice = await contained('alice');
      alice.tell(verb, word);
      expect(await alice.closed).toEqual([code, null]);
    });
  });
});
