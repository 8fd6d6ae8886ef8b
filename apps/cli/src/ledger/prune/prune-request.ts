import { parse } from '#writ/contracts';
import type { DeploymentPaths } from '#writ/deployment';
import { Fault, FAULTS, type FaultCode, toFault } from '#writ/faults';
import { readFileIfPresent, writeFileAtomic } from '#writ/files';
import { rm } from 'node:fs/promises';
import { z } from 'zod';
import type { PruneReport } from './prune-ledger.js';

const Id = z.string().min(1).max(64);
const Span = z.strictObject({ first: z.int(), from: z.int() });

/** What the command line asks of `writ up`, which alone can let a user in that may change streams. */
const PruneRequest = z.strictObject({ v: z.literal(1), id: Id, isDryRun: z.boolean() });
export type PruneRequest = Readonly<z.infer<typeof PruneRequest>>;

const PruneAnswer = z.strictObject({
  id: Id,
  report: z.strictObject({ isDryRun: z.boolean(), stream: Span, log: Span, carried: z.int() }).optional(),
  fault: z.strictObject({ code: z.string(), message: z.string() }).optional(),
});

/** Leaves a request for `writ up`. Throws CONFIG_DATA_DIR when it cannot be written. */
export function writePruneRequest(paths: DeploymentPaths, request: PruneRequest): Promise<void> {
  return writeFileAtomic(paths.pruneRequest, `${JSON.stringify(request)}\n`);
}

/** Takes what was asked for, so that it is done once; undefined when nothing was, or nothing that can be read. */
export async function takePruneRequest(paths: DeploymentPaths): Promise<PruneRequest | undefined> {
  const text = await readFileIfPresent(paths.pruneRequest);
  if (text === undefined) return undefined;
  await rm(paths.pruneRequest, { force: true });
  return PruneRequest.safeParse(jsonOf(text)).data;
}

/** Answers a request with what came of it. */
export async function answerPruneRequest(
  paths: DeploymentPaths,
  { id }: PruneRequest,
  outcome: Promise<PruneReport>,
): Promise<void> {
  const answer = await outcome.then(
    (report) => ({ id, report }),
    (error: unknown) => {
      const { code, message } = toFault(error);
      return { id, fault: { code, message } };
    },
  );
  await writeFileAtomic(paths.pruneAnswer, `${JSON.stringify(answer)}\n`);
}

/** What came of the request with that id; undefined while nothing has. Throws the fault that it ended with. */
export async function readPruneAnswer(paths: DeploymentPaths, id: string): Promise<PruneReport | undefined> {
  const text = await readFileIfPresent(paths.pruneAnswer);
  if (text === undefined) return undefined;
  const answer = parse(PruneAnswer, jsonOf(text), 'CONFIG_DATA_DIR_CORRUPT');
  if (answer.id !== id) return undefined;
  if (answer.fault !== undefined) throw new Fault(codeOf(answer.fault.code), answer.fault.message);
  return answer.report;
}

function codeOf(code: string): FaultCode {
  const isCode = (text: string): text is FaultCode => text in FAULTS;
  return isCode(code) ? code : 'INTERNAL';
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
