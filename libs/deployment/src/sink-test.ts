import { parse } from '#writ/contracts';
import { Fault } from '#writ/faults';
import { readFileIfPresent, writeFileAtomic } from '#writ/files';
import { join } from 'node:path';
import { z } from 'zod';
import type { DeploymentPaths } from './paths.js';

const Id = z.string().regex(/^test-[0-9a-f]{16}$/);

/** The exporter is asked to send a test record to a sink. */
const SinkTestRequest = z.strictObject({ v: z.literal(1), id: Id });

/** What came of it, and of which kind the sink is. */
const SinkTestAnswer = z.strictObject({
  v: z.literal(1),
  id: Id,
  kind: z.string().max(32),
  status: z.enum(['acknowledged', 'again', 'refused']),
  /** In the words of the sink, or of its connection: attacker-controlled. */
  why: z.string().max(1_000).optional(),
});
export type SinkTestAnswer = Readonly<z.infer<typeof SinkTestAnswer>>;

/** The files by which the command line and the exporter talk about tests of one sink. */
export interface SinkTestFiles {
  readonly request: string;
  readonly answer: string;
}

/** Where they are. Each is there for as long as nobody has read it. */
export function sinkTestFiles(paths: DeploymentPaths, sink: string): SinkTestFiles {
  return { request: join(paths.siemDir, `${sink}.test.json`), answer: join(paths.siemDir, `${sink}.tested.json`) };
}

/** The id of the test that is asked for, or undefined when none is. Throws CONFIG_DATA_DIR_CORRUPT. */
export async function readSinkTest({ request }: SinkTestFiles): Promise<string | undefined> {
  return (await read(request, SinkTestRequest))?.id;
}

/** Asks for a test. */
export function askForSinkTest({ request }: SinkTestFiles, id: string): Promise<void> {
  return writeFileAtomic(request, `${JSON.stringify({ v: 1, id })}\n`);
}

/** What came of the last test, or undefined when nothing did yet. Throws CONFIG_DATA_DIR_CORRUPT. */
export function readSinkTestAnswer({ answer }: SinkTestFiles): Promise<SinkTestAnswer | undefined> {
  return read(answer, SinkTestAnswer);
}

/** Says what came of a test. */
export function answerSinkTest({ answer }: SinkTestFiles, said: SinkTestAnswer): Promise<void> {
  return writeFileAtomic(answer, `${JSON.stringify(said)}\n`);
}

async function read<T>(file: string, schema: z.ZodType<T>): Promise<T | undefined> {
  const text = await readFileIfPresent(file);
  if (text === undefined) return undefined;
  try {
    return parse(schema, JSON.parse(text), 'CONFIG_DATA_DIR_CORRUPT');
  } catch (cause) {
    throw new Fault('CONFIG_DATA_DIR_CORRUPT', `\`${file}\` is damaged`, { cause });
  }
}
