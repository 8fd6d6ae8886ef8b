import type { SinkDeclaration } from '#writ/catalogue';
import { canonicalJson, type Json } from '#writ/contracts';
import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Ledgers } from './ledgers.js';
import type { Journal } from './ports.js';
import { SinkStateFile } from './state-file.js';

const SUFFIX = '.state.json';

/** The file that holds how far the sink of that name is. */
export function stateFileOf(directory: string, sink: string): string {
  return join(directory, `${sink}${SUFFIX}`);
}

/** Hash of what a sink is declared to be. Secrets are not in a declaration. */
export function declarationHash(declared: SinkDeclaration): string {
  // Optional members that were left out may be there as undefined; JSON drops them.
  const json = JSON.parse(JSON.stringify(declared)) as Json;
  return `sha256:${createHash('sha256').update(canonicalJson(json)).digest('hex')}`;
}

/**
 * Opens the state of every sink, and puts on record which of them are new, changed or gone since the last start, before any of them gets
 * an entry. In a ledger that goes on from another one those that are as they were are on record once more.
 */
export async function openStates(
  directory: string,
  sinks: readonly SinkDeclaration[],
  { journal, ledgers }: { readonly journal: Journal; readonly ledgers: Ledgers },
): Promise<ReadonlyMap<string, SinkStateFile>> {
  const states = new Map<string, SinkStateFile>();
  const known = (await readdir(directory))
    .filter((name) => name.endsWith(SUFFIX))
    .map((name) => name.slice(0, -SUFFIX.length));
  const declared = new Map(sinks.map((sink) => [sink.name, declarationHash(sink)]));
  for (const sink of new Set([...known, ...declared.keys()])) {
    const state = await SinkStateFile.open(stateFileOf(directory, sink));
    const hash = declared.get(sink) ?? null;
    const recordedIn = state.ledger ?? ledgers.closed[0]?.ledger ?? ledgers.now;
    if (hash !== state.declared || (hash !== null && recordedIn !== ledgers.now)) {
      await journal({ type: 'admin.sink.changed', sink, old: state.declared, new: hash });
      // If the process dies here the change is recorded twice, which is true both times.
      await state.saveDeclared(hash, ledgers.now);
    }
    if (hash !== null) states.set(sink, state);
  }
  return states;
}
