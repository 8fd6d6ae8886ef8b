import { LedgerName, parse } from '#writ/contracts';
import { Fault } from '#writ/faults';
import { readFileIfPresent, writeFileAtomic } from '#writ/files';
import { join } from 'node:path';
import { z } from 'zod';
import type { DeploymentPaths } from './paths.js';

const Index = z.int().min(0);

/** What a sink is asked to get once more. `progress` is the exporter's: how far it is, which survives a restart. */
const ReplayRequest = z.strictObject({
  v: z.literal(1),
  /** Leaf index of the first entry that is sent again. */
  from: Index,
  /** The ledger that they are of. Absent when nobody asked for one that has ended, until it is begun. */
  log: LedgerName.optional(),
  progress: z
    .strictObject({
      /** The entry behind the last one that is sent again: where the sink was when it was asked. */
      to: Index,
      /** The next entry to look at. */
      at: Index,
      /** Number that the next record has in a filtered sink. */
      xseq: Index,
    })
    .optional(),
});
export type ReplayRequest = Readonly<z.infer<typeof ReplayRequest>>;

/** The file by which the command line asks the exporter to send entries again. It is there until that is done. */
export function replayRequestFile(paths: DeploymentPaths, sink: string): string {
  return join(paths.siemDir, `${sink}.replay.json`);
}

/** What is asked for, or undefined when nothing is. Throws CONFIG_DATA_DIR_CORRUPT. */
export async function readReplayRequest(file: string): Promise<ReplayRequest | undefined> {
  const text = await readFileIfPresent(file);
  if (text === undefined) return undefined;
  try {
    return parse(ReplayRequest, JSON.parse(text), 'CONFIG_DATA_DIR_CORRUPT');
  } catch (cause) {
    throw new Fault('CONFIG_DATA_DIR_CORRUPT', `\`${file}\` is damaged`, { cause });
  }
}

/** Writes the request; durable when it resolves. */
export function writeReplayRequest(file: string, request: ReplayRequest): Promise<void> {
  return writeFileAtomic(file, `${JSON.stringify(request)}\n`);
}
