import { Fault } from '#writ/faults';
import type { AcceptedLine } from '../block-line.js';
import { parseCanonical } from '../canonical-text.js';
import { formatProof, verifyProof, type ProvedEntry } from '../log-proof.js';
import { inclusionProof } from '../proof.js';
import { TileTree } from '../tile-tree.js';
import { LOG_FILES, openTrust, type LogDirectory } from './evidence.js';
import type { Leaves } from './leaves.js';
import { walkLog } from './walk-log.js';
import { openCheckpoint, type TreeHead } from '../checkpoint.js';

/** A proof file of one entry, and what it proves. */
export interface CallProof {
  readonly text: string;
  readonly proved: ProvedEntry;
}

/**
 * Proofs for the entries of a call, in the order of the log, under its newest head. It reads the whole log once and verifies each
 * proof before it gives it, but not the log. Throws LEDGER_CORRUPT when something on the way is damaged, and CONFIG_NOT_FOUND when
 * a file is missing or the log has no entry of the call.
 */
export async function proveCall(
  directory: LogDirectory,
  call: string,
  rootVkey: string,
): Promise<readonly CallProof[]> {
  const read = async (path: string) => {
    const content = await directory.read(path);
    if (content === undefined) throw new Fault('CONFIG_NOT_FOUND', `the log has no file \`${path}\``);
    return content;
  };
  const trust = openTrust((await read(LOG_FILES.bundle)).toString('utf8'), rootVkey);
  const checkpoint = (await read(LOG_FILES.checkpoint)).toString('utf8');
  const head = openCheckpoint(checkpoint, trust.authority.ledger, trust.authority.logKeys());
  const tree = new TileTree(head.size, read);
  const proofs: CallProof[] = [];
  for await (const { line, leaves, i } of entriesOf(directory, call, head)) {
    const { header, sig, count, first } = line;
    const block = { entry: String(leaves.entries[i]), header, sig, i, count, path: inclusionProof(leaves.hashes, i) };
    const text = formatProof({ index: first + i, path: await tree.inclusionProof(first + i), checkpoint, block });
    proofs.push({ text, proved: verifyProof(text, trust) });
  }
  if (proofs.length === 0) throw new Fault('CONFIG_NOT_FOUND', `the log has no entry of the call \`${call}\``);
  return proofs;
}

interface Found {
  readonly line: AcceptedLine;
  readonly leaves: Leaves;
  readonly i: number;
}

async function* entriesOf(directory: LogDirectory, call: string, head: TreeHead): AsyncGenerator<Found> {
  // Most entries are told from those of the call without parsing them.
  const needle = Buffer.from(JSON.stringify(call));
  for await (const { line, leaves } of walkLog(directory, head)) {
    if ('rejected' in line) continue;
    for (const [i, entry] of leaves.entries.entries()) {
      if (entry.includes(needle) && callOf(String(entry)) === call) yield { line, leaves, i };
    }
  }
}

/** The call that an entry is of, if it is of one. */
function callOf(text: string): string | undefined {
  const entry = parseCanonical(text);
  const corr = isObject(entry) ? entry['corr'] : undefined;
  const call = isObject(corr) ? corr['call'] : undefined;
  return typeof call === 'string' ? call : undefined;
}

function isObject(value: unknown): value is { readonly [member: string]: unknown } {
  return typeof value === 'object' && value !== null;
}
