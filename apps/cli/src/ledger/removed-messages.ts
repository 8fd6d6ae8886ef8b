import type { DeploymentPaths } from '#writ/deployment';
import { Fault } from '#writ/faults';
import type { RemovedMessages } from '#writ/operator';
import { logMessages, LOG_FILES } from '#writ/tlog';
import { readFile } from 'node:fs/promises';
import { logsOf } from './earlier-logs.js';
import { LogFolder } from './log-folder.js';

/**
 * Gives what was removed from the stream, from the logs of this ledger and of those before it on this machine, and says what it reads: the log may begin later than the ledger
 * did, or may not be here at all. `WRIT_LOG_DIR` names it where it is not in the data directory.
 */
export function removedMessages(paths: DeploymentPaths, note: (line: string) => void): RemovedMessages {
  return async function* (endSeq) {
    const logs: LogFolder[] = [];
    for (const directory of (await logsOf(paths.dataDir)).toReversed()) {
      const log = new LogFolder(directory);
      if ((await log.read(LOG_FILES.checkpoint)) !== undefined) logs.push(log);
    }
    if (logs.length === 0) {
      note(`messages before ${endSeq} were removed from the stream, and the log that has them is not here`);
      return;
    }
    note(`messages before ${endSeq} were removed from the stream: they are read from the log`);
    let isFirst = true;
    for (const log of logs) {
      for await (const message of logMessages(log, { rootVkey: await rootVkeyOf(paths), endSeq })) {
        if (isFirst && message.seq > 1)
          note(`the log begins with message ${message.seq}: what came before it is gone, or in a log that is not here`);
        isFirst = false;
        yield message;
      }
    }
  };
}

async function rootVkeyOf({ rootVkey }: DeploymentPaths): Promise<string> {
  const text = await readFile(rootVkey, 'utf8').catch((cause: unknown) => {
    throw new Fault('CONFIG_NOT_FOUND', `the file \`${rootVkey}\` cannot be read`, { cause });
  });
  return text.trim();
}
