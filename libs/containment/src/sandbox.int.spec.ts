import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { pathWithBubblewrap } from '../../../test/harness/bubblewrap.js';
import { type Contained, Sandbox } from './sandbox.js';

const run = promisify(execFile);
const NEEDS: Contained = { args: [], read: [], write: [], memoryBytesMax: 268_435_456, processesMax: 32 };
const egress = (agent: string) => ({ folder: join(scratch, 'run', agent) });
const PROGRAM = { command: 'true', args: [], env: {}, cwd: '/' };

let scratch: string;
beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'writ-contain-'));
});
afterEach(() => rm(scratch, { recursive: true, force: true }));

async function install(...names: readonly string[]): Promise<string> {
  const directory = await mkdtemp(join(scratch, 'bin-'));
  for (const name of names) {
    await writeFile(join(directory, name), '#!/bin/sh\nexit 1\n');
    await chmod(join(directory, name), 0o700);
  }
  return directory;
}

/** As on a machine where bubblewrap works: what would be started is looked at, and not started. */
async function sandboxWith(usual: 'none' | 'preferred', ca?: string): Promise<Sandbox> {
  const path = await install('bwrap', 'prlimit');
  const way = (agent: string) => ({ ...egress(agent), ca });
  return Sandbox.probe({ usual, hidden: [], egress: way, path, attempt: async () => undefined });
}

describe('a machine that cannot contain programs', () => {
  it.each([
    ['bubblewrap is missing', ['prlimit'], '`bwrap`'],
    ['prlimit is missing', ['bwrap'], '`prlimit`'],
    ['bubblewrap is there and does not work', ['bwrap', 'prlimit'], 'cannot contain anything here'],
  ])('is known as one when %s', async (_case, installed, problem) => {
    const path = await install(...installed);
    const sandbox = await Sandbox.probe({ usual: 'preferred', hidden: [], egress, path });
    expect(sandbox.problem).toContain(problem);
    expect(sandbox.contain(PROGRAM, NEEDS)).toBe(PROGRAM);
  });

  it('starts nothing that must be contained, by its own declaration or by what is usual', async () => {
    const path = await install();
    const usual = await Sandbox.probe({ usual: 'required', hidden: [], egress, path });
    expect(() => usual.contain(PROGRAM, NEEDS)).toThrow(expect.objectContaining({ code: 'EXECUTOR_NOT_CONTAINED' }));
    const other = await Sandbox.probe({ usual: 'none', hidden: [], egress, path });
    const required = { ...NEEDS, containment: 'required' } as const;
    expect(() => other.contain(PROGRAM, required)).toThrow(expect.objectContaining({ code: 'EXECUTOR_NOT_CONTAINED' }));
  });
});

describe('a program that is started under bubblewrap', () => {
  it('gets no value of its environment by an argument, where every user of the host would see it', async () => {
    const sandbox = await sandboxWith('preferred');
    const { args, env } = sandbox.contain({ ...PROGRAM, env: { TOKEN: 'hunter2' } }, NEEDS);
    expect(args.join(' ')).not.toContain('hunter2');
    expect(env).toMatchObject({ TOKEN: 'hunter2', HOME: '/tmp' });
    expect(args).toEqual(expect.arrayContaining(['--unshare-all', '--die-with-parent', '--new-session', '--cap-drop']));
  });
});

describe('a program that may ask the egress proxy', () => {
  const NEEDING = { ...NEEDS, egress: { as: 'alice' } };
  it('has a bridge to the socket of its agent before it, and none of another', async () => {
    const { args, env } = (await sandboxWith('preferred')).contain({ ...PROGRAM, args: ['last'] }, NEEDING);
    expect(args.join(' ')).toContain(`--ro-bind ${join(scratch, 'run', 'alice')} /writ-egress --dir`);
    expect(args.slice(args.indexOf('--'), args.indexOf('--') + 3)).toEqual(['--', process.execPath, '--eval']);
    expect(args.slice(-4).map((arg) => arg.split('/').at(-1))).toEqual(['--', 'socket', 'true', 'last']);
    expect(args).toContain('--unshare-all');
    expect(env).toMatchObject({ HTTPS_PROXY: 'http://127.0.0.1:3128', http_proxy: 'http://127.0.0.1:3128' });
    expect(env).not.toHaveProperty('SSL_CERT_FILE');
    expect((await stat(join(scratch, 'run', 'alice'))).mode & 0o777).toBe(0o700);
  });

  it('trusts the authority of the proxy where that looks into TLS, unless its own environment says otherwise', async () => {
    const sandbox = await sandboxWith('preferred', '/data/egress-ca.pem');
    const { args, env } = sandbox.contain({ ...PROGRAM, env: { SSL_CERT_FILE: '/own.pem' } }, NEEDING);
    expect(args.join(' ')).toContain('--ro-bind /data/egress-ca.pem /writ-egress-ca.pem');
    expect(env).toMatchObject({ NODE_EXTRA_CA_CERTS: '/writ-egress-ca.pem', SSL_CERT_FILE: '/own.pem' });
  });

  it('is contained whatever is usual, and not started where that cannot be', async () => {
    expect((await sandboxWith('none')).contain(PROGRAM, NEEDING).args).toContain('--unshare-all');
    const nothing = join(scratch, 'nothing');
    for (const usual of ['none', 'preferred'] as const) {
      const sandbox = await Sandbox.probe({ usual, hidden: [], egress, path: nothing });
      const refused = expect.objectContaining({ code: 'EXECUTOR_NOT_CONTAINED' });
      expect(() => sandbox.contain(PROGRAM, NEEDING)).toThrow(refused);
      expect(() => sandbox.assertAllowed(NEEDING)).toThrow(refused);
    }
  });
});

describe('files that are named by arguments', () => {
  it('are there to read when they are declared, and not when an agent names them', async () => {
    const sandbox = await sandboxWith('preferred');
    const [script, secret] = ['script.js', 'secret'].map((name) => join(scratch, name));
    for (const file of [script, secret]) await writeFile(file ?? '', '');
    const program = { ...PROGRAM, args: [String(script), String(secret)] };
    const { args } = sandbox.contain(program, { ...NEEDS, args: [String(script), '{{file}}'] });
    expect(args.slice(args.indexOf('--ro-bind')).join(' ')).toContain(`--ro-bind ${script} ${script}`);
    expect(args.slice(0, args.indexOf('--'))).not.toContain(secret);
  });
});

const path = pathWithBubblewrap();

// Skipped where it is not: `bash test/harness/fetch-collectors.sh`.
(path === undefined ? describe.skip : describe)('a contained program', () => {
  const LOOK = `
echo "env:$(env | cut -d= -f1 | sort | tr '\\n' ' ')"
echo "user:$(id -u)"
echo "network:$(tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' ' | tr '\\n' ' ')"
echo "processes:$(ls -d /proc/[0-9]* | wc -l)"
echo "declared:$(cat declared/file)"
echo "other:$(cat other 2>&1)"
echo "keys:$(ls declared/keys | wc -l)"
echo "home:$(ls /root /home 2>/dev/null | wc -l)"
echo "capabilities:$(grep CapEff /proc/self/status | cut -f2)"
(echo x > declared/new) 2>/dev/null && echo "wrote what it may only read"
(echo x > /usr/new) 2>/dev/null && echo "wrote to the system"
(echo x > /new) 2>/dev/null && echo "wrote to the root"
echo x > own/new`;

  it('sees what is declared and nothing else of the host: no file, variable, process, network or key', async () => {
    process.env['WRIT_TEST_SECRET'] = 'never-inherited';
    for (const name of ['declared/keys', 'own']) await mkdir(join(scratch, name), { recursive: true });
    await chmod(join(scratch, 'own'), 0o777);
    for (const name of ['declared/file', 'declared/keys/seed', 'other']) await writeFile(join(scratch, name), 'text');
    const hidden = [join(scratch, 'declared', 'keys')];
    const sandbox = await Sandbox.probe({ usual: 'required', hidden, egress, path });
    expect(sandbox.problem).toBeUndefined();
    const needs = { ...NEEDS, read: ['declared'], write: ['own'] };
    const program = { command: 'sh', args: ['-c', LOOK], env: { TOKEN: 'hunter2' }, cwd: scratch };
    const { command, args, env, cwd } = sandbox.contain(program, needs);
    const { stdout } = await run(command, [...args], { env, cwd });
    const lines = Object.fromEntries(
      stdout
        .trim()
        .split('\n')
        .map((line) => line.split(/:(.*)/, 2)),
    );
    expect(lines).toEqual({
      env: 'HOME LOGNAME PATH PWD SHELL TERM TOKEN USER ',
      user: '65534',
      network: 'lo ',
      processes: expect.stringMatching(/^[1-9]$/),
      declared: 'text',
      other: expect.stringContaining('No such file'),
      keys: '0',
      home: '0',
      capabilities: '0000000000000000',
    });
    await expect(readFile(join(scratch, 'own', 'new'), 'utf8')).resolves.toBe('x\n');
  });

  it('has no more memory than is declared', async () => {
    const sandbox = await Sandbox.probe({ usual: 'required', hidden: [], egress, path });
    const fill = ['-e', 'const all = []; for (let i = 0; i < 64; i++) all.push(Buffer.alloc(16777216, 1))'];
    const start = async (memoryBytesMax: number) => {
      const program = { command: process.execPath, args: fill, env: {}, cwd: scratch };
      const { command, args, env, cwd } = sandbox.contain(program, { ...NEEDS, memoryBytesMax });
      return run(command, [...args], { env, cwd });
    };
    await expect(start(2_147_483_648)).resolves.toBeDefined();
    await expect(start(536_870_912)).rejects.toBeDefined();
  });
});
