import { Fault } from '#writ/faults';
import { formatBlock } from '../block.js';
import { openCheckpoint } from '../checkpoint.js';
import type { LedgerMessage } from '../judge-message.js';
import { LOG_FILES, openTrust, type LogDirectory } from './evidence.js';
import { walkLog } from './walk-log.js';

/**
 * The blocks of the log before message `endSeq`, each as the message of the stream that it was, in stream order: for those who look for
 * what the stream has no more. They are read and not verified; whoever takes one opens it as a message of the stream. Throws
 * CONFIG_NOT_FOUND when the log has no head, LEDGER_CORRUPT when it is damaged, CONFIG_KEY.
 */
export async function* logMessages(
  directory: LogDirectory,
  { rootVkey, endSeq }: { readonly rootVkey: string; readonly endSeq: number },
): AsyncGenerator<LedgerMessage> {
  const bundle = await directory.read(LOG_FILES.bundle);
  const checkpoint = await directory.read(LOG_FILES.checkpoint);
  if (bundle === undefined || checkpoint === undefined)
    throw new Fault('CONFIG_NOT_FOUND', 'the log has no trust bundle or no checkpoint');
  const { authority } = openTrust(bundle.toString('utf8'), rootVkey);
  const head = openCheckpoint(checkpoint.toString('utf8'), authority.ledger, authority.logKeys());
  for await (const { line, leaves } of walkLog(directory, head)) {
    if (line.seq >= endSeq) return;
    if ('rejected' in line) continue;
    const entries = leaves.entries.map((entry) => entry.toString('utf8'));
    const { header, sig, seq } = line;
    yield {
      seq,
      subject: `ledger.block.${header.producer}`,
      data: Buffer.from(formatBlock({ ...header, entries, sig })),
    };
  }
}
