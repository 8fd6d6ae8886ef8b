import { deploymentPaths, readSigningKey } from '#writ/deployment';
import { Fault } from '#writ/faults';
import { type LedgerStatus, ledgerMessages, ledgerStatus, openOperator } from '#writ/operator';
import { parseCheckpoint, type TreeHead, type VerifyReport } from '#writ/tlog';
import { readFile } from 'node:fs/promises';
import { writeExport } from './ledger/export-directory.js';

export { formatReport } from './ledger/format-report.js';
export { verifyExport } from './ledger/verify-directory.js';

export interface Exported {
  readonly report: VerifyReport;
  /** Whether the export has a signed head; it has none when the ledger does not verify. */
  readonly isSigned: boolean;
}

/** Writes everything that the ledger holds now into a new directory. Throws CONFIG_DATA_DIR, CONFIG_NOT_RUNNING, LEDGER_*. */
export async function exportLedger(directory: string, dataDir: string, head: string | undefined): Promise<Exported> {
  const paths = deploymentPaths(dataDir);
  const remembered = head === undefined ? undefined : await rememberedHead(head);
  const operator = await openOperator({ dataDir, url: process.env['WRIT_NATS_URL'] });
  try {
    const { report, checkpoint } = await writeExport(directory, ledgerMessages(operator.blocks), {
      bundle: await readText(paths.trustBundle),
      rootVkey: (await readText(paths.rootVkey)).trim(),
      logKey: await readSigningKey(paths.logKey),
      ...(remembered === undefined ? {} : { remembered }),
    });
    return { report, isSigned: checkpoint !== undefined };
  } finally {
    await operator.close();
  }
}

/** How full the streams of a running deployment are. */
export async function statusOf(dataDir: string): Promise<LedgerStatus> {
  const operator = await openOperator({ dataDir, url: process.env['WRIT_NATS_URL'] });
  return ledgerStatus(operator).finally(() => operator.close());
}

/** A vkey as it was typed, or from the file of that name. */
export async function rootVkey(vkeyOrFile: string): Promise<string> {
  const isVkey = /^[^\s+/]\S*\+[0-9a-f]{8}\+\S+$/.test(vkeyOrFile);
  return isVkey ? vkeyOrFile : (await readText(vkeyOrFile)).trim();
}

/** The head in a checkpoint file that the caller has kept. It is the caller's own memory: its signature is not asked for. */
export async function rememberedHead(file: string): Promise<TreeHead> {
  const note = await readText(file);
  const end = note.indexOf('\n\n');
  try {
    return parseCheckpoint(end < 0 ? note : note.slice(0, end + 1));
  } catch (cause) {
    throw new Fault('CONFIG_INVALID', `\`${file}\` is not a checkpoint`, { cause });
  }
}

async function readText(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((cause: unknown) => {
    throw new Fault('CONFIG_NOT_FOUND', `the file \`${file}\` cannot be read`, { cause });
  });
}
