import { Entry, type DecidedEntry, type EntryOf } from '#writ/contracts';
import { z } from 'zod';
import { startJsonChild, type ChildOptions } from './child.js';

// `writ tail --json` may say more about an entry than the entry itself; the rest is for other readers.
const TailLine = z.union([Entry, z.object({ entry: Entry }).transform((line) => line.entry)]);

/** The ledger as `writ tail` shows it while it grows. */
export interface LedgerTail {
  /** Resolves with the decision of that call once it is on record. */
  decisionOf(call: string): Promise<DecidedEntry>;
  /** Resolves with what explains that default deny: it is recorded a moment after the decision. */
  explanationOf(decided: DecidedEntry): Promise<EntryOf<'decision.explained'>>;
  /** Resolves with the first entry, past or to come, that `holds` accepts. */
  entry(holds: (entry: Entry) => boolean, withinMs?: number): Promise<Entry>;
  stop(): Promise<void>;
}

const WAIT_MS = 10_000;

export function startLedgerTail(options: ChildOptions): LedgerTail {
  const child = startJsonChild(options);
  const entry = (holds: (entry: Entry) => boolean, withinMs = WAIT_MS): Promise<Entry> =>
    child.first((line) => {
      const parsed = TailLine.safeParse(line);
      return parsed.success && holds(parsed.data) ? parsed.data : undefined;
    }, withinMs);
  return {
    entry,
    decisionOf: async (call) => {
      const found = await entry((candidate) => isDecided(candidate) && candidate.corr.call === call);
      if (!isDecided(found)) throw new Error('a decision is not a decision');
      return found;
    },
    explanationOf: async ({ corr, who, prod }) => {
      const found = await entry(
        (each) =>
          isExplained(each) && each.corr.call === corr.call && each.who.agent === who.agent && each.prod.id === prod.id,
      );
      if (!isExplained(found)) throw new Error('an explanation is not an explanation');
      return found;
    },
    stop: async () => {
      child.kill('SIGTERM');
      await child.exited;
    },
  };
}

function isDecided(entry: Entry): entry is DecidedEntry {
  return entry.type.endsWith('.decided');
}

function isExplained(entry: Entry): entry is EntryOf<'decision.explained'> {
  return entry.type === 'decision.explained';
}
