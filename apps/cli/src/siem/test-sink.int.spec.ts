import { answerSinkTest, deploymentPaths, readSinkTest, sinkTestFiles } from '#writ/deployment';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommandLine } from '../program.js';

const STATE = 'lake.state.json';
let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'writ-test-sink-'));
  await mkdir(join(dataDir, 'siem'));
  await writeFile(join(dataDir, 'siem', STATE), '{}');
});
afterEach(() => rm(dataDir, { recursive: true }));

async function test(...args: readonly string[]) {
  const said: string[] = [];
  const print = (line: string) => void said.push(line);
  const cli = { print, note: print, isColoured: false, exitCode: 0 };
  return { exit: await runCommandLine(['siem', 'test', ...args, '--data', dataDir], cli), said: said.join('\n') };
}

/** An exporter that answers the first test. */
async function answers(answer: { status: 'acknowledged' | 'again' | 'refused'; why?: string }, kind = 'file') {
  const files = sinkTestFiles(deploymentPaths(dataDir), 'lake');
  for (;;) {
    const id = await readSinkTest(files);
    if (id !== undefined) return answerSinkTest(files, { v: 1, id, kind, ...answer });
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe('writ siem test', () => {
  it.each([
    ['acknowledged', undefined, 0, /record test-[0-9a-f]{16}: acknowledged: the disk has it$/],
    ['refused', 'HTTP 413', 1, /refused: HTTP 413$/],
    ['again', 'no\u001b[31m', 2, /again: no\ufffd\[31m$/],
  ] as const)('says that the record was %s, in words that a terminal can show', async (status, why, exit, sentence) => {
    const [result] = await Promise.all([test('lake'), answers({ status, ...(why !== undefined && { why }) })]);
    expect(result).toEqual({ exit, said: expect.stringMatching(sentence) });
    expect(await readdir(join(dataDir, 'siem'))).toEqual([STATE]);
  });

  it('does not call it an acknowledgement when a socket took it', async () => {
    const [{ said }] = await Promise.all([test('lake'), answers({ status: 'acknowledged' }, 'syslog')]);
    expect(said).toContain('which is no acknowledgement');
  });

  it('answers in JSON', async () => {
    const [{ said }] = await Promise.all([test('lake', '--json'), answers({ status: 'acknowledged' })]);
    expect(JSON.parse(said)).toEqual({ sink: 'lake', id: expect.any(String), kind: 'file', status: 'acknowledged' });
  });

  it('says that nobody answers, and leaves nothing that would be sent later', async () => {
    expect(await test('lake', '--within', '1')).toEqual({
      exit: 69,
      said: expect.stringMatching(/^CONFIG_NOT_RUNNING/),
    });
    expect(await readdir(join(dataDir, 'siem'))).toEqual([STATE]);
  });

  it.each([['nobody'], ['../lake'], ['lake', '--within', '0']])('does not take %s %s %s', async (...args) => {
    expect(await test(...args.filter((arg) => arg !== undefined))).toMatchObject({ exit: 64 });
  });
});
