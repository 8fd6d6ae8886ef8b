import { readReplayRequest, writeReplayRequest } from '#writ/deployment';
import { Fault } from '#writ/faults';
import type { Authority } from '#writ/signing';
import { leafHashOfText, LOG_FILES, openCheckpoint, readLeaves, TileTree, verifyInclusion } from '#writ/tlog';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Replays } from './ports.js';

export interface LogReplaysOptions {
  /** The file by which a replay is asked for. */
  readonly requestFile: string;
  /** Directory of the sealed log. */
  readonly logDirectory: string;
  readonly authority: () => Authority;
}

/** Replays from the directory of the log, which is trusted with nothing: each leaf is proved under a checkpoint that the log signed. */
export function logReplays({ requestFile, logDirectory, authority }: LogReplaysOptions): Replays {
  const readLog = (path: string) => readFile(join(logDirectory, path));
  return {
    asked: () => readReplayRequest(requestFile),
    save: (request) => writeReplayRequest(requestFile, request),
    finish: () => rm(requestFile, { force: true }),
    leaves: async (from, to) => {
      const trusted = authority();
      const note = (await readLog(LOG_FILES.checkpoint)).toString('utf8');
      const { size, root } = openCheckpoint(note, trusted.ledger, trusted.logKeys());
      if (to > size) throw new Fault('LEDGER_CORRUPT', `the log has ${size} entries, and the sink got ${to}`);
      const texts = await readLeaves({ from, to, size }, readLog);
      const tree = new TileTree(size, readLog);
      for (const [i, text] of texts.entries()) {
        const claim = { leaf: leafHashOfText(text), index: from + i, size, root: Buffer.from(root, 'base64url') };
        if (!verifyInclusion(claim, await tree.inclusionProof(claim.index)))
          throw new Fault('LEDGER_CORRUPT', `entry ${claim.index} is not under the checkpoint of ${size} entries`);
      }
      return texts;
    },
  };
}
