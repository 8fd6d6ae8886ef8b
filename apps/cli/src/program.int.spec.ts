import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Cli } from './cli.js';
import { runCommandLine } from './program.js';

async function run(...args: readonly string[]) {
  const printed: string[] = [];
  const noted: string[] = [];
  const cli: Cli = {
    print: (line) => printed.push(line),
    note: (line) => noted.push(line),
    isColoured: false,
    exitCode: 0,
  };
  const exit = await runCommandLine(args, cli);
  return { exit, out: printed.join('\n'), err: noted.join('\n') };
}

const LEAVES = [
  ['init'],
  ['keys'],
  ['keys', 'rotate'],
  ['up'],
  ['agent', 'add'],
  ['agent', 'list'],
  ['agent', 'remove'],
  ['agent', 'proxy-token'],
  ['agent', 'proxy-cert'],
  ['call'],
  ['call', 'tool'],
  ['call', 'memory', 'query'],
  ['call', 'memory', 'write'],
  ['call', 'memory', 'delete'],
  ['call', 'egress'],
  ['call', 'result'],
  ['tools', 'import', 'mcp'],
  ['tools', 'import', 'openapi'],
  ['tail'],
  ['explain'],
  ['policy', 'check'],
  ['ledger', 'export'],
  ['ledger', 'verify'],
  ['ledger', 'prove'],
  ['ledger', 'disclose'],
  ['ledger', 'detokenise'],
  ['ledger', 'erase'],
  ['memory', 'trace'],
  ['ledger', 'status'],
  ['ledger', 'prune'],
  ['deploy', 'prepare'],
  ['deploy', 'record'],
  ['secret', 'set'],
  ['secret', 'list'],
  ['secret', 'rotate'],
  ['secret', 'remove'],
  ['secret', 'rekey'],
  ['siem', 'replay'],
  ['siem', 'test'],
  ['witness'],
  ['witness', 'init'],
];

describe('the command line', () => {
  it.each(LEAVES)('writ %s %s %s explains itself: --json, exit codes, an example', async (...words) => {
    const { exit, out } = await run(...words.filter((word) => word !== undefined), '--help');
    expect(exit).toBe(0);
    expect(out).toContain('--json');
    expect(out).toMatch(/Exit codes:\n(.*\n)*.*64 {2}wrong usage/);
    expect(out).toMatch(/Example:\n {2}\$ (\S+=\S+ )?writ /);
  });

  it.each([
    // wrong usage                        arguments
    ['no command', []],
    ['an unknown command', ['frob']],
    ['an unknown option', ['up', '--frob']],
    ['a missing argument', ['init']],
    ['an argument too many', ['init', 'a', 'b']],
    ['no agent', ['call', 'tool', 'demo.echo']],
    ['arguments that are no JSON', ['call', '--as', 'a', 'tool', 'demo.echo', 'text']],
    ['a method that there is not', ['call', '--as', 'a', 'egress', 'https://x.example/', '--method', 'BREW']],
    ['a k out of range', ['call', '--as', 'a', 'memory', 'query', 'n', 't', '-k', '0']],
    ['a place that there is not', ['tail', '--from', 'yesterday']],
    ['a witness without a log', ['witness', '--state', '/nonexistent/writ']],
    ['a witness without a memory', ['witness', '--log', 'x']],
    ['a name that cannot be one', ['agent', 'add', '*', '--data', '/nonexistent/writ']],
    ['a team that cannot be one', ['agent', 'add', 'a', '--team', 'a.b', '--data', '/nonexistent/writ']],
  ])('ends with 64 for %s', async (_case, args) => {
    expect((await run(...args)).exit).toBe(64);
  });

  it('tells an error as one line, and with --json as one object on stdout', async () => {
    const said = await run('up', '--frob');
    expect(said).toMatchObject({ exit: 64, out: '', err: "USAGE: unknown option '--frob'" });
    const { exit, out, err } = await run('up', '--frob', '--json');
    expect({ exit, err }).toEqual({ exit: 64, err: '' });
    expect(JSON.parse(out)).toEqual({ error: { code: 'USAGE', message: "unknown option '--frob'" } });
  });

  it('prints its version', async () => {
    await expect(run('--version')).resolves.toMatchObject({ exit: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+$/) });
  });
});

describe('without a deployment', () => {
  let scratch: string;
  beforeEach(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'writ-cli-'));
  });
  afterEach(() => rm(scratch, { recursive: true, force: true }));

  it.each([[['tail']], [['explain', 'c1']], [['ledger', 'status']], [['agent', 'list']], [['agent', 'add', 'a']]])(
    'writ %j says what to do',
    async (words) => {
      const { exit, err } = await run(...words, '--data', join(scratch, 'none'));
      expect(exit).toBe(78);
      expect(err).toMatch(/^CONFIG_DATA_DIR: there is no deployment in `.*`: start it/);
    },
  );

  it('writ ledger verify tells a folder that is not there from a log that is not valid', async () => {
    const { exit, err } = await run('ledger', 'verify', join(scratch, 'none'));
    expect({ exit, err }).toEqual({ exit: 78, err: `CONFIG_NOT_FOUND: there is no log \`${join(scratch, 'none')}\`` });
  });

  it('writ up names the place of a mistake in the configuration', async () => {
    await writeFile(join(scratch, 'writ.yaml'), 'version: 1\nledger: a/b\nfrob: 1\n');
    const { exit, err } = await run('up', '--config', join(scratch, 'writ.yaml'));
    expect(exit).toBe(78);
    expect(err).toContain('CONFIG_INVALID: writ.yaml:3:1: `frob`: there is no such field');
  });

  it('writ init writes a configuration that policy check finds good', async () => {
    const directory = join(scratch, 'fresh');
    await expect(run('init', directory, '--json')).resolves.toMatchObject({ exit: 0 });
    const { exit, out } = await run('policy', 'check', '--config', join(directory, 'writ.yaml'), '--json');
    expect(JSON.parse(out)).toMatchObject({ ok: true, hash: expect.stringMatching(/^sha256:/) });
    expect(exit).toBe(0);
  }, 20_000);

  it('policy check names file, line and column of what is wrong', async () => {
    const directory = join(scratch, 'bad');
    await run('init', directory);
    await writeFile(join(directory, 'policies', 'bad.cedar'), '@id("x")\npermit (principal, action, resource\n');
    const { exit, err } = await run('policy', 'check', '--config', join(directory, 'writ.yaml'));
    expect(exit).toBe(78);
    expect(err).toContain('policies/bad.cedar:2:35: error[POLICY_PARSE unterminated]: ');
  }, 20_000);
});
