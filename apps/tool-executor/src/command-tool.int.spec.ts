import { readCatalogue } from '#writ/catalogue';
import type { CommandBody, JsonObject } from '#writ/contracts';
import type { Program } from '#writ/containment';
import { Fault } from '#writ/faults';
import { CommandToolRunner } from './command-tool.js';

const TEXT = 'input: { required: [a], properties: { a: { type: string } } }';
const catalogue = readCatalogue(
  `version: 1
ledger: test/default/0
tools:
  say: { kind: command, command: printf, args: ['%s|', '{{a}}', last], ${TEXT} }
  copy: { kind: command, command: cat, stdin: json, stdout: json, ${TEXT} }
  environment: { kind: command, command: env, env: { PATH: /usr/bin:/bin, OWN: 'yes' }, input: {} }
  ill: { kind: command, command: sh, args: ['-c', 'echo secret >&2; exit 3'], input: {} }
  bytes: { kind: command, command: printf, args: ['\\377'], input: {} }
  endless: { kind: command, command: 'yes', outputBytesMax: 1000, input: {} }
  large: { kind: command, command: head, args: ['-c', '2000000', /dev/zero], onOversize: cut, outputBytesMax: 10, input: {} }
  slow: { kind: command, command: sh, args: ['-c', 'sleep 600 & sleep 600'], timeoutMs: 200, input: {} }
  missing: { kind: command, command: /nowhere/at-all, input: {} }`,
  { file: 'writ.yaml', baseDirectory: process.cwd(), environment: {} },
);

function run(name: string, args: JsonObject = {}, contain = (program: Program): Program => program) {
  const runner = new CommandToolRunner({ baseDirectory: process.cwd(), sandbox: { contain } });
  const command = { args } as unknown as CommandBody;
  const { signal } = new AbortController();
  return runner.run(catalogue.tool(name), { command, signal, onCredential: () => undefined });
}

describe('a local command', () => {
  it('answers with its stdout, and no shell reads its arguments', async () => {
    await expect(run('say', { a: '$(id); `id` a b' })).resolves.toMatchObject({
      output: '$(id); `id` a b|last|',
      bytes: 21,
    });
  });

  it('reads its arguments as JSON, and its answer may be JSON', async () => {
    await expect(run('copy', { a: 'x' })).resolves.toMatchObject({ output: { a: 'x' } });
  });

  it('has its own environment alone', async () => {
    process.env['WRIT_TEST_SECRET'] = 'never-inherited';
    expect((await run('environment')).output).toBe('PATH=/usr/bin:/bin\nOWN=yes\n');
  });

  it.each([
    ['ends with an error, whose text stays here', 'ill', 'EXECUTOR_FAILED', 'the command ended with code 3'],
    ['answers bytes that are no text', 'bytes', 'EXECUTOR_BAD_ANSWER', 'the answer is not text'],
    ['answers without end', 'endless', 'EXECUTOR_OUTPUT_TOO_LARGE', 'the answer has more than 1000 bytes'],
    ['takes too long, with what it started', 'slow', 'EXECUTOR_TIMEOUT', 'the command did not end in time'],
    ['is not there', 'missing', 'EXECUTOR_UNREACHABLE', 'the command could not be started'],
  ])('fails when it %s', async (_case, name, code, message) => {
    await expect(run(name)).rejects.toMatchObject({ code, message });
  });

  it('goes on to its end when what is too much of its answer is to be cut', async () => {
    const { output, bytes, cut } = await run('large');
    expect([bytes, cut]).toEqual([2_000_000, { bytesMax: 10, hasMore: true }]);
    expect(Buffer.byteLength(String(output))).toBeLessThanOrEqual(1_048_576);
  });

  it('does not start when it must be contained and cannot be', async () => {
    const refused = new Fault('EXECUTOR_NOT_CONTAINED', 'not here');
    const contain = () => {
      throw refused;
    };
    await expect(run('say', { a: 'x' }, contain)).rejects.toBe(refused);
  });
});
