import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Fault } from '#writ/faults';
import { z } from 'zod';
import { answerRequest, type ChildAnswer, childMain, type ChildRequest, contextsOf } from './child.js';

const ANSWER_BYTES_MAX = 256 * 1024 * 1024;
const STDERR_CHARACTERS_MAX = 4_000;

/**
 * Asks a process of its own to parse and validate. The process ends with the answer, whatever happened to it; without an
 * answer in time the fault is POLICY_LOADER_FAILED. It gets no environment, so it holds no secret.
 */
export async function askChild(request: ChildRequest, timeoutMs: number): Promise<ChildAnswer> {
  const code = `(${childMain.toString()})(require(process.argv[1]), ${answerRequest.toString()}, ${contextsOf.toString()})`;
  // The flag keeps V8 before 13.6 from aborting when the memory of a WebAssembly module grows inside an inlined call.
  const args = ['--no-turbo-inline-js-wasm-calls', '--input-type=commonjs', '--eval', code, '--', cedarPath()];
  const child = spawn(process.execPath, args, { stdio: 'pipe', env: {} });
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
    if (stdout.length > ANSWER_BYTES_MAX) child.kill('SIGKILL');
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr = (stderr + chunk).slice(-STDERR_CHARACTERS_MAX);
  });
  // The child may end before it has read everything; how it ended says more than the broken pipe.
  child.stdin.on('error', () => undefined);
  child.stdin.end(JSON.stringify(request));
  const ending = await new Promise<string>((resolve, reject) => {
    child.on('error', (cause) =>
      reject(new Fault('POLICY_LOADER_FAILED', 'the policy loader did not start', { cause })),
    );
    child.on('close', (status, signal) => resolve(signal ?? `status ${String(status)}`));
  }).finally(() => clearTimeout(timer));
  try {
    return JSON.parse(stdout) as ChildAnswer;
  } catch {
    const message = `the policy loader ended with ${ending} and without an answer; the limit is ${timeoutMs} ms`;
    throw new Fault('POLICY_LOADER_FAILED', message, { cause: new Error(stderr.trim()) });
  }
}

/** Which Cedar the child will run, without running it. */
export async function cedarPackageVersion(): Promise<string> {
  const file = join(dirname(dirname(cedarPath())), 'package.json');
  return z.object({ version: z.string() }).parse(JSON.parse(await readFile(file, 'utf8'))).version;
}

function cedarPath(): string {
  return createRequire(import.meta.url).resolve('@cedar-policy/cedar-wasm/nodejs');
}
