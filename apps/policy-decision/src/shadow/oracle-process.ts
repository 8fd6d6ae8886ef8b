import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { z } from 'zod';
import { type OracleAnswer, type OracleLoad, oracleMain, type OracleQuestion } from './oracle-child.js';

/** What decides once more. One question at a time; after a failure it is of no more use. */
export interface Oracle {
  /** Rejects when there is no answer in time, or when the oracle is gone. */
  ask(question: OracleQuestion): Promise<OracleAnswer>;
  end(): void;
}

const Answer = z.strictObject({
  decision: z.enum(['allow', 'deny']),
  determining: z.array(z.string()),
  errors: z.array(z.string()),
});
/** The first answer waits for the policies to be parsed: 10,000 take about two seconds. */
const ANSWER_WITHIN_MS = 30_000;
const ANSWER_CHARACTERS_MAX = 4 * 1024 * 1024;

interface Waiting {
  readonly resolve: (answer: OracleAnswer) => void;
  readonly reject: (error: Error) => void;
}

/** Cedar itself, in a process of its own that may be lost at any time. It gets no environment, so it holds no secret. */
export class OracleProcess implements Oracle {
  readonly #child: ChildProcessWithoutNullStreams;
  #waiting: Waiting | undefined;
  #stdout = '';
  #isOver = false;

  constructor(load: OracleLoad) {
    const code = `(${oracleMain.toString()})(require(process.argv[1]))`;
    const cedar = createRequire(import.meta.url).resolve('@cedar-policy/cedar-wasm/nodejs');
    // The flag keeps V8 before 13.6 from aborting when the memory of a WebAssembly module grows inside an inlined call.
    const args = ['--no-turbo-inline-js-wasm-calls', '--input-type=commonjs', '--eval', code, '--', cedar];
    this.#child = spawn(process.execPath, args, { stdio: 'pipe', env: {} });
    this.#child.on('error', () => this.#fail('the oracle did not start'));
    this.#child.on('close', (status, signal) => this.#fail(`the oracle ended with ${signal ?? `status ${status}`}`));
    // How the child ended says more than the broken pipe.
    this.#child.stdin.on('error', () => undefined);
    this.#child.stderr.resume();
    this.#child.stdout.setEncoding('utf8').on('data', (chunk: string) => this.#take(chunk));
    this.#write(load);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  async ask(question: OracleQuestion): Promise<OracleAnswer> {
    if (this.#isOver) throw new Error('the oracle is gone');
    const timer = setTimeout(() => this.#fail('the oracle took too long'), ANSWER_WITHIN_MS);
    const answer = new Promise<OracleAnswer>((resolve, reject) => (this.#waiting = { resolve, reject }));
    this.#write(question);
    return answer.finally(() => clearTimeout(timer));
  }

  end(): void {
    this.#fail('the oracle was ended');
  }

  #write(message: OracleLoad | OracleQuestion): void {
    this.#child.stdin.write(`${JSON.stringify(message)}\n`);
  }

  #take(chunk: string): void {
    this.#stdout += chunk;
    if (this.#stdout.length > ANSWER_CHARACTERS_MAX) return this.#fail('the oracle says too much');
    const end = this.#stdout.indexOf('\n');
    if (end < 0) return undefined;
    const line = this.#stdout.slice(0, end);
    this.#stdout = this.#stdout.slice(end + 1);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    try {
      waiting?.resolve(Answer.parse(JSON.parse(line)));
    } catch {
      waiting?.reject(new Error('the oracle says what is no answer'));
    }
    return undefined;
  }

  #fail(why: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#child.kill('SIGKILL');
    this.#waiting?.reject(new Error(why));
    this.#waiting = undefined;
  }
}
