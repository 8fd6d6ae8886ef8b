import { runToEnd, startJsonChild } from './child.js';

const options = (script: string) => ({ args: ['-e', script], cwd: '.', env: process.env });

describe('a JSON child', () => {
  it('keeps its lines and tells them from noise', async () => {
    const child = startJsonChild(options('console.log(\'{"a":1}\'); console.log("hello"); console.error("oh")'));
    await expect(child.first((line) => line, 5000)).resolves.toEqual({ a: 1 });
    await expect(child.exited).resolves.toBe(0);
    expect(child.lines).toEqual([{ a: 1 }]);
    expect(child.noise()).toMatch(/hello|oh/);
  });

  it('says what a child printed that ended too early', async () => {
    const child = startJsonChild(options('console.error("no such file"); process.exit(3)'));
    await expect(child.first((line) => line, 5000)).rejects.toThrow(/ended with 3; it printed:\nno such file/);
  });

  it('says why the command line failed that answers in JSON', async () => {
    const child = startJsonChild(options('console.log(\'{"error":{"code":"CONFIG_KEY"}}\'); process.exit(78)'));
    await expect(child.first(() => undefined, 5000)).rejects.toThrow(/ended with 78; it printed:\n.*CONFIG_KEY/);
  });

  it('runs to the end, or is killed', async () => {
    await expect(runToEnd(options('console.log("out"); process.exitCode = 10'), 5000)).resolves.toEqual({
      code: 10,
      stdout: 'out\n',
      stderr: '',
    });
    await expect(runToEnd(options('setInterval(() => 0, 1000)'), 50)).resolves.toMatchObject({ code: null });
  });
});
