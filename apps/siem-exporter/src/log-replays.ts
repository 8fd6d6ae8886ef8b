import { closedPlace, readReplayRequest, writeReplayRequest } from '#writ/deployment';
import { Fault } from '#writ/faults';
import type { Authority } from '#writ/signing';
import {
  leafHashOfText,
  LOG_FILES,
  openCheckpoint,
  openTrust,
  readLeaves,
  TileTree,
  verifyInclusion,
} from '#writ/tlog';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Replays } from './ports.js';

export interface LogReplaysOptions {
  /** The file by which a replay is asked for. */
  readonly requestFile: string;
  /** Directory of the sealed log. */
  readonly logDirectory: string;
  readonly authority: () => Authority;
  /** File of the root key, under which the bundles of ledgers that ended are opened. */
  readonly rootVkeyFile: string;
}

/** Replays from the directory of the log, which is trusted with nothing: each leaf is proved under a checkpoint that the log signed. */
export function logReplays(options: LogReplaysOptions): Replays {
  const { requestFile } = options;
  return {
    asked: () => readReplayRequest(requestFile),
    save: (request) => writeReplayRequest(requestFile, request),
    finish: () => rm(requestFile, { force: true }),
    leaves: async (ledger, from, to) => {
      const { directory, trusted } = await logOf(ledger, options);
      const readLog = (path: string) => readFile(join(directory, path));
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

/** Where the log of a ledger is, and whom it is checked against: one that has ended lies aside, with its own bundle. */
async function logOf(
  ledger: string,
  { logDirectory, authority, rootVkeyFile }: LogReplaysOptions,
): Promise<{ readonly directory: string; readonly trusted: Authority }> {
  const now = authority();
  if (ledger === now.ledger) return { directory: logDirectory, trusted: now };
  if (!now.isClosed(ledger)) throw new Fault('LEDGER_CORRUPT', `\`${ledger}\` is no ledger before \`${now.ledger}\``);
  const directory = closedPlace(logDirectory, ledger);
  const bundle = await readFile(join(directory, LOG_FILES.bundle), 'utf8');
  const { authority: trusted } = openTrust(bundle, (await readFile(rootVkeyFile, 'utf8')).trim());
  if (trusted.ledger !== ledger)
    throw new Fault('LEDGER_CORRUPT', `the log in \`${directory}\` is not that of \`${ledger}\``);
  return { directory, trusted };
}
