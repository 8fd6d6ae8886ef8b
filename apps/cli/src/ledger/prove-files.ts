import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Fault, messageOf } from '#writ/faults';
import { LOG_FILES, openTrust, proveCall, verifyProof, type ProvedEntry, type VerifyExit } from '#writ/tlog';
import { LogFolder } from './log-folder.js';

export const PROOF_SUFFIX = '.tlog-proof';
/** A proof is an entry, two paths and a checkpoint. */
const PROOF_BYTES_MAX = 1024 * 1024;

export interface WrittenProof {
  readonly file: string;
  readonly type: string;
  readonly index: number;
}

/**
 * Writes a proof file for each entry of a call into a folder, named after the index of the leaf, with the trust bundle beside them. A
 * call may have begun in one ledger and ended in the next: what another log has of it comes into a folder of its own in there. Throws
 * CONFIG_NOT_FOUND when no log has the call, LEDGER_CORRUPT when one is damaged, CONFIG_DATA_DIR when the folder cannot be written.
 */
export async function writeProofs(
  call: string,
  logs: readonly string[],
  folder: string,
): Promise<readonly WrittenProof[]> {
  const written: WrittenProof[] = [];
  let missing: Fault | undefined;
  for (const log of logs) {
    const into = written.length === 0 ? folder : join(folder, basename(dirname(log)));
    try {
      written.push(...(await writeProofsOf(call, log, into)));
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== 'CONFIG_NOT_FOUND') throw error;
      missing ??= error;
    }
  }
  if (written.length === 0 && missing !== undefined) throw missing;
  return written;
}

async function writeProofsOf(call: string, log: string, folder: string): Promise<readonly WrittenProof[]> {
  const directory = new LogFolder(log);
  const rootVkey = (await directory.read(LOG_FILES.rootVkey))?.toString('utf8');
  const bundle = await directory.read(LOG_FILES.bundle);
  if (rootVkey === undefined || bundle === undefined)
    throw new Fault('CONFIG_NOT_FOUND', `\`${log}\` is no log: it has no trust bundle or no root key`);
  const proofs = await proveCall(directory, call, rootVkey);
  try {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, LOG_FILES.bundle), bundle);
    return await Promise.all(
      proofs.map(async ({ text, proved: { index, entry } }) => {
        const file = join(folder, `${index}${PROOF_SUFFIX}`);
        await writeFile(file, text);
        return { file, type: entry.type, index };
      }),
    );
  } catch (cause) {
    throw new Fault('CONFIG_DATA_DIR', `the proofs cannot be written to \`${folder}\``, { cause });
  }
}

/** What the verification of one proof file found. */
export interface ProofReport {
  readonly exit: VerifyExit;
  /** Absent when the proof does not hold. */
  readonly proved?: ProvedEntry;
  /** What does not hold. */
  readonly message?: string;
}

/**
 * Verifies one attacker-controlled proof file with a trust bundle, which lies beside it unless it is named, and the root key. Throws
 * CONFIG_NOT_FOUND when a file cannot be read, and CONFIG_KEY when the root key did not sign the bundle.
 */
export async function verifyProofFile(file: string, rootVkey: string, bundle?: string): Promise<ProofReport> {
  const bundleFile = bundle ?? join(dirname(file), LOG_FILES.bundle);
  const trust = openTrust((await readSmall(bundleFile)).toString('utf8'), rootVkey);
  const text = (await readSmall(file)).toString('utf8');
  try {
    const proved = verifyProof(text, trust);
    const isWitnessed = proved.quorum > 0 && proved.witnesses.length >= proved.quorum;
    return { exit: isWitnessed ? 0 : 10, proved };
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown;
    return { exit: 40, message: messageOf(thrown) };
  }
}

/** The report for people. */
export function formatProofReport({ exit, proved, message }: ProofReport): string {
  if (proved === undefined) return `INVALID (exit ${exit})\n  ${message ?? ''}`;
  const { entry, index, head, witnesses, quorum } = proved;
  return [
    `${exit === 0 ? 'WITNESSED' : 'valid, not witnessed'} (exit ${exit})`,
    `  leaf ${index} of ${head.origin}, which has ${head.size} entries`,
    `  \`${entry.type}\` ${entry.id}, signed for by ${entry.prod.id} at ${entry.ts}`,
    `  witnesses: ${witnesses.length} of ${quorum} needed`,
  ].join('\n');
}

async function readSmall(file: string): Promise<Buffer> {
  const content = await readFile(file).catch((cause: unknown) => {
    throw new Fault('CONFIG_NOT_FOUND', `the file \`${file}\` cannot be read`, { cause });
  });
  if (content.length > PROOF_BYTES_MAX && file.endsWith(PROOF_SUFFIX))
    throw new Fault('CONFIG_INVALID', `the file \`${file}\` is too large for a proof`);
  return content;
}
