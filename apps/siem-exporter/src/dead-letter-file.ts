import { open } from 'node:fs/promises';
import type { DeadLetters } from './ports.js';

/** Keeps refused records in a file, one JSON object a line: code, key and record. Each is on the disk when it is told so. */
export function deadLetterFile(path: string, now: () => number): DeadLetters {
  return async (record, code) => {
    const { logName, index, id, text } = record;
    const line = JSON.stringify({
      at: new Date(now()).toISOString(),
      code,
      log_name: logName,
      sequence: index,
      id,
      record: text,
    });
    const file = await open(path, 'a', 0o600);
    try {
      await file.appendFile(`${line}\n`);
      await file.datasync();
    } finally {
      await file.close();
    }
  };
}
