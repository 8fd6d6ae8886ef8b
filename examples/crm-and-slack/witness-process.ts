import { join } from 'node:path';
import { z } from 'zod';
import { startJsonChild } from './child.js';
import type { CommandLine } from './command-line.js';

/** The witness of the customer's security team: a process of its own, with a folder that the operator does not have. */
export interface WitnessProcess {
  readonly name: string;
  readonly vkey: string;
  /** The key of the log that it watches. */
  readonly logVkey: string;
  readonly url: string;
  readonly pid: number;
  /** Its memory. */
  readonly state: string;
  /** For the way out, whatever happened: ends it and waits for it. */
  end(): Promise<void>;
}

interface WitnessOptions {
  readonly writ: CommandLine;
  /** The folder of the security team. */
  readonly folder: string;
  /** The key of the log to watch, as its operator gave it to the security team. */
  readonly logVkey: string;
}

const Ready = z.object({ event: z.literal('ready'), url: z.string(), vkey: z.string() });
const NAME = 'witness.example/security-team';
const READY_WITHIN_MS = 15_000;
const STOP_WITHIN_MS = 5_000;

/** Makes a witness and runs it on loopback; resolves when it takes checkpoints. */
export async function startWitness({ writ, folder, logVkey }: WitnessOptions): Promise<WitnessProcess> {
  const state = join(folder, 'w1');
  await writ.runEndingWith(0, 'witness', 'init', state, '--name', NAME);
  const args = ['witness', '--state', state, '--listen', '127.0.0.1:0', '--log', logVkey, '--json'];
  const child = startJsonChild(writ.start(...args));
  const end = async (): Promise<void> => {
    child.kill('SIGTERM');
    const forced = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
    await child.exited;
    clearTimeout(forced);
  };
  try {
    const { url, vkey } = await child.first((line) => Ready.safeParse(line).data, READY_WITHIN_MS);
    return { name: NAME, vkey, logVkey, url, pid: child.pid, state, end };
  } catch (error) {
    await end();
    throw error;
  }
}
