import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Cli } from '../cli.js';
import { runCommandLine } from '../program.js';

/** Each load of policies starts a child process, and on a busy machine that takes seconds. */
const TIMEOUT_MS = 60_000;
const CONFIG = `version: 1
ledger: writ.test/default/0
agents: { ada: {} }
tools: { echo: { kind: function, function: echo, input: { type: object, properties: { text: { type: string } } } } }
`;
const PERMIT = '@id("ada-echoes") permit (principal == Agent::"ada", action == Action::"echo", resource);\n';
const LABEL = `@id("echoes-are-labelled") @obligations("[{\\"type\\":\\"label\\",\\"labels\\":[\\"echoed\\"]}]")
permit (principal, action == Action::"echo", resource) when { context.input has text };\n`;
const TEST = `tests:
  - name: ada echoes
    request: { agent: ada, tool: echo, args: { text: hello } }
    expect: { decision: permit }
`;

describe('writ policy diff and replay', () => {
  let directory: string;
  const at = (...names: readonly string[]) => join(directory, ...names);

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'writ-compare-'));
    for (const folder of ['policies', 'obligations', 'none']) await mkdir(at(folder));
    await writeFile(at('writ.yaml'), CONFIG);
    await writeFile(at('policies', 'echo.cedar'), PERMIT);
    await writeFile(at('obligations', 'label.cedar'), LABEL);
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  async function run(...args: readonly string[]) {
    const printed: string[] = [];
    const cli: Cli = { print: (line) => printed.push(line), note: () => undefined, isColoured: false, exitCode: 0 };
    const exit = await runCommandLine(['policy', ...args, '--config', at('writ.yaml')], cli);
    return { exit, out: printed.join('\n') };
  }

  it(
    'end with 78 where nothing was asked: it proves nothing',
    async () => {
      const { exit, out } = await run('diff', at('policies'), at('policies'), '--json');
      expect(exit).toBe(78);
      expect(JSON.parse(out)).toEqual({
        error: { code: 'CONFIG_NOT_FOUND', message: expect.stringMatching(/^nothing was asked: .*--requests/) },
      });
    },
    TIMEOUT_MS,
  );

  it('end with 64 where replay is given no other policies', async () => {
    await expect(run('replay')).resolves.toMatchObject({ exit: 64 });
  });

  it(
    'compare a second set: obligations that differ are flips of their own',
    async () => {
      await writeFile(at('policies', 'echo.test.yaml'), TEST);
      const same = [at('policies'), at('policies')];
      const gained = ['{"labels":["echoed"],"type":"label"}'];
      const added = await run('diff', ...same, '--new-obligations', at('obligations'), '--json');
      expect(added.exit).toBe(1);
      expect(JSON.parse(added.out)).toMatchObject({
        policies: [{ change: 'added', id: 'echoes-are-labelled', at: 'obligations/label.cedar:2' }],
        requests: { count: 1, flips: 1, groups: [{ change: 'obligations differ', agent: 'ada', gained, lost: [] }] },
      });
      const both = ['--old-obligations', at('obligations'), '--new-obligations', at('obligations')];
      await expect(run('diff', ...same, ...both)).resolves.toMatchObject({ exit: 0 });
      await writeFile(at('writ.yaml'), `${CONFIG}obligations: obligations\n`);
      const removed = await run('diff', ...same, '--new-obligations', at('none'));
      expect(removed).toMatchObject({ exit: 1, out: expect.stringContaining(`obligations differ  1`) });
      expect(removed.out).toContain(`- ${gained[0]}`);
    },
    TIMEOUT_MS,
  );

  it(
    'show the coverage of the second set and of what is only logged by themselves',
    async () => {
      await writeFile(at('writ.yaml'), `${CONFIG}obligations: obligations\n`);
      await writeFile(at('policies', 'echo.test.yaml'), TEST);
      const logged =
        '@id("nobody") @mode("log_only") forbid (principal == Agent::"ada", action == Action::"echo", resource);\n';
      await writeFile(at('policies', 'logged.cedar'), logged);
      const { exit, out } = await run('test', '--coverage');
      expect(exit).toBe(0);
      expect(out).toContain('coverage: 100 %, 1 of 1 policies and 0 of 0 conditions decided something');
      expect(out).toContain('second set: 50 %, 1 of 1 policies and 0 of 1 conditions obliged to something');
      expect(out).toMatch(
        /never {2}obligations\/label\.cedar:2:\d+ {2}echoes-are-labelled: when context\.input has text/,
      );
      expect(out).toContain('log_only: 100 %, 1 of 1 policies and 0 of 0 conditions would have decided something');
    },
    TIMEOUT_MS,
  );
});
