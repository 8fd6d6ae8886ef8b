import type { DeploymentPaths } from '#writ/deployment';
import { Fault } from '#writ/faults';
import type { RemovedMessages } from '#writ/operator';
import { logMessages, LOG_FILES } from '#writ/tlog';
import { readFile } from 'node:fs/promises';
import { LogFolder } from './log-folder.js';

/**
 * Gives what was removed from the stream, from the log on this machine, and says what it reads: the log may begin later than the ledger
 * did, or may not be here at all. `WRIT_LOG_DIR` names it where it is not in the data directory.
 */
export function removedMessages(paths: DeploymentPaths, note: (line: string) => void): RemovedMessages {
  return async function* (endSeq) {
    const log = new LogFolder(process.env['WRIT_LOG_DIR'] ?? paths.logDir);
    const isHere = (await log.read(LOG_FILES.checkpoint)) !== undefined;
    if (!isHere) {
      note(`messages before ${endSeq} were removed from the stream, and the log that has them is not here`);
      return;
    }
    note(`messages before ${endSeq} were removed from the stream: they are read from the log`);
    let first: number | undefined;
    for await (const message of logMessages(log, { rootVkey: await rootVkeyOf(paths), endSeq })) {
      if (first === undefined && message.seq > 1)
        note(`the log begins with message ${message.seq}: what came before it is gone`);
      first ??= message.seq;
      yield message;
    }
  };
}

async function rootVkeyOf({ rootVkey }: DeploymentPaths): Promise<string> {
  const text = await readFile(rootVkey, 'utf8').catch((cause: unknown) => {
    throw new Fault('CONFIG_NOT_FOUND', `the file \`${rootVkey}\` cannot be read`, { cause });
  });
  return text.trim();
}
