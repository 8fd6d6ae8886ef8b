import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { nkeys } from 'nats';
import { testNatsServer } from '../../test/harness/nats-server.js';
import { canUseOwnInbox, tryToGoAround, type BusIdentity } from './bus-attempts.js';

const server = await testNatsServer();

(server === undefined ? describe.skip : describe)('trying to go around the bus', () => {
  let folder: string;
  let child: ChildProcess;
  let identity: BusIdentity;

  async function startServer(permissions: string): Promise<void> {
    folder = await mkdtemp(join(tmpdir(), 'writ-bus-'));
    const key = nkeys.createUser();
    const config = `listen: "127.0.0.1:-1", ports_file_dir: ${JSON.stringify(folder)}
      authorization { users: [ { nkey: ${key.getPublicKey()}, permissions: { ${permissions} } } ] }`;
    await writeFile(join(folder, 'nats.conf'), config);
    child = spawn(server ?? '', ['-c', join(folder, 'nats.conf')], { stdio: 'ignore' });
    const url = await urlOf(join(folder, `nats-server_${child.pid}.ports`));
    identity = { url, name: 'intern', seed: new TextDecoder().decode(key.getSeed()), inboxPrefix: '_INBOX.intern' };
  }

  afterEach(async () => {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
    await rm(folder, { recursive: true, force: true });
  });

  it("reports every attempt as refused for a user with an agent's permissions", async () => {
    await startServer('publish: { allow: ["req.intern.>"] }, subscribe: { allow: ["_INBOX.intern.>"] }');
    const attempts = await tryToGoAround(identity, 'support');
    expect(attempts.length).toBeGreaterThanOrEqual(8);
    expect(attempts.filter((attempt) => !attempt.refused)).toEqual([]);
    expect(await canUseOwnInbox(identity)).toBe(true);
  });

  it('reports what a careless configuration lets through', async () => {
    await startServer('publish: { allow: ["req.>"] }, subscribe: { allow: ["_INBOX.>"] }');
    const through = (await tryToGoAround(identity, 'support')).filter((attempt) => !attempt.refused);
    expect(through.map((attempt) => attempt.subject)).toEqual(['req.support.tool.call', '_INBOX.support.>']);
  });
});

async function urlOf(portsFile: string): Promise<string> {
  for (;;) {
    const text = await readFile(portsFile, 'utf8').catch(() => '');
    const url = /"nats":\s*\["([^"]+)"/.exec(text)?.[1];
    if (url !== undefined) return url;
    await sleep(20);
  }
}
