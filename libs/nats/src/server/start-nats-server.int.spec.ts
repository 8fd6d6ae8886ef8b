import { Fault } from '#writ/faults';
import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { startPlainServer, testNatsServer, type PlainServer } from '../../../../test/harness/nats-server.js';
import { startNatsServer } from './start-nats-server.js';

const binary = (await testNatsServer()) ?? '';
const faultOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'nothing',
    (error: unknown) => (error instanceof Fault ? `${error.code}: ${error.message}` : String(error)),
  );

/** Another server beside the plain one, with its own configuration text. */
async function start(beside: PlainServer, config: string) {
  const at = (name: string) => join(beside.directory, name);
  await writeFile(at('other.conf'), `${config}\nlog_file: "${at('other.log')}"\nports_file_dir: "${at('other')}"\n`);
  return startNatsServer({ binary, configFile: at('other.conf'), portsDir: at('other'), logFile: at('other.log') });
}

(binary === '' ? describe.skip : describe)('a nats-server of our own', () => {
  it('is refused with the address that is in use', async () => {
    await using server = await startPlainServer();
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const { port } = taken.address() as AddressInfo;
    expect(await faultOf(start(server, `listen: "127.0.0.1:${port}"`))).toBe(
      `CONFIG_PORT_IN_USE: \`127.0.0.1:${port}\` is in use by another process`,
    );
    taken.close();
  });

  it('is refused with what is wrong in its configuration', async () => {
    await using server = await startPlainServer();
    expect(await faultOf(start(server, 'nonsense: 1'))).toMatch(/^CONFIG_INVALID: .*unknown field "nonsense"/s);
  });

  it('reads a changed configuration, and keeps the old one when the new one is wrong', async () => {
    await using server = await startPlainServer();
    const good = await readFile(server.configFile, 'utf8');
    await writeFile(server.configFile, `${good}\nmax_payload: 1000\n`);
    await server.server.reload();
    await writeFile(server.configFile, `${good}\nnonsense: 1\n`);
    expect(await faultOf(server.server.reload())).toMatch(/^CONFIG_INVALID: .*nonsense/s);
    await (await server.connect()).flush();
  });

  it('tells when it ends by itself, and not when it was told to', async () => {
    await using server = await startPlainServer();
    const reasons: string[] = [];
    const options = {
      binary,
      configFile: join(server.directory, 'third.conf'),
      portsDir: join(server.directory, 'third'),
      logFile: join(server.directory, 'third.log'),
      onExit: (reason: string) => reasons.push(reason),
    };
    await writeFile(
      options.configFile,
      `listen: "127.0.0.1:-1"\nlog_file: "${options.logFile}"\nports_file_dir: "${options.portsDir}"\n`,
    );
    await (await startNatsServer(options)).stop();
    expect(reasons).toEqual([]);
    const second = await startNatsServer(options);
    process.kill(second.pid, 'SIGKILL');
    await untilDefined(async () => reasons[0]);
    expect(reasons).toEqual(['nats-server ended (exit 137)']);
    expect(await faultOf(second.reload())).toMatch(/^CONFIG_NOT_RUNNING/);
  });

  it('ends with the process that started it, even when that one is killed', async () => {
    await using server = await startPlainServer();
    const config = join(server.directory, 'orphan.conf');
    await writeFile(config, 'listen: "127.0.0.1:-1"\n');
    // The same guard, started by a process that dies without a word.
    const source = await readFile(new URL('./start-nats-server.ts', import.meta.url), 'utf8');
    const guard = /const GUARD = `([^`]*)`/.exec(source)?.[1] ?? '';
    const script = `
      const { spawn } = require('node:child_process');
      spawn('sh', ['-c', ${JSON.stringify(guard)}, 'sh', ${JSON.stringify(binary)}, '-c', ${JSON.stringify(config)}, '-P', ${JSON.stringify(join(server.directory, 'orphan.pid'))}],
        { stdio: ['ignore', 'ignore', 'ignore', 'pipe'], detached: true });
      setInterval(() => {}, 1000);`;
    const parent = spawn(process.execPath, ['-e', script], { stdio: 'ignore' });
    const pid = await untilDefined(async () => Number(await readFile(join(server.directory, 'orphan.pid'), 'utf8')));
    expect(isAlive(pid)).toBe(true);
    parent.kill('SIGKILL');
    await untilDefined(async () => (isAlive(pid) ? undefined : true));
  });
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function untilDefined<T extends string | number | boolean>(look: () => Promise<T | undefined>): Promise<T> {
  const deadline = performance.now() + 10_000;
  while (performance.now() < deadline) {
    const found = await look().catch(() => undefined);
    if (found !== undefined && !Number.isNaN(found) && found !== 0) return found;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('it did not happen in 10 s');
}
