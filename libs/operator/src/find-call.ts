import type { Entry } from '#writ/contracts';
import { Fault, messageOf } from '#writ/faults';
import { type BlockLog, type LedgerMessage, openAuthorised } from '#writ/ledger-client';
import type { Authority } from '#writ/signing';
import { parseEntry, type VerifiedBlock } from '#writ/tlog';

/** An entry with the verified block that it stands in. */
export interface LocatedEntry {
  readonly seq: number;
  readonly i: number;
  readonly entry: Entry;
  readonly block: VerifiedBlock;
}

export interface FoundEntries {
  /** In stream order. */
  readonly entries: readonly LocatedEntry[];
  /** Blocks that mention what was looked for and do not verify: nothing in them counts. */
  readonly rejected: readonly { readonly seq: number; readonly reason: string }[];
}

export interface LedgerSource {
  readonly blocks: BlockLog;
  readonly authority: Authority;
}

/**
 * Every entry about the calls with that id, or the evaluation with it, and every command refused that points at one of their
 * decisions. Reads the whole ledger, and verifies the blocks that mention the id. Throws LEDGER_UNAVAILABLE.
 */
export function entriesOfCall(source: LedgerSource, call: string): Promise<FoundEntries> {
  const decisions = new Set<string>();
  // Entries are canonical JSON inside a JSON string, so this is how a pointer to a decision looks in a block.
  const pointer = (seq: number, i: number) => `{\\"i\\":${i},\\"seq\\":${seq}}`;
  return search(source, {
    mentions: (text) => text.includes(call) || [...decisions].some((decision) => text.includes(decision)),
    matches: (entry, { seq, i }) => {
      if ('corr' in entry && entry.corr.call === call) {
        if (entry.type.endsWith('.decided')) decisions.add(pointer(seq, i));
        return true;
      }
      if (entry.type === 'access.evaluated') return entry.req.eval === call;
      return entry.type === 'command.refused' && decisions.has(pointer(entry.dec.seq, entry.dec.i));
    },
  });
}

/** The entry with that id, if it is in the ledger. */
export async function entryById(source: LedgerSource, id: string): Promise<LocatedEntry | undefined> {
  const found = await search(source, { mentions: (text) => text.includes(id), matches: (entry) => entry.id === id });
  return found.entries[0];
}

interface Wanted {
  /** Whether a block's text can hold what is wanted; most do not, and are not verified. */
  readonly mentions: (text: Buffer) => boolean;
  readonly matches: (entry: Entry, place: { readonly seq: number; readonly i: number }) => boolean;
}

async function search({ blocks, authority }: LedgerSource, wanted: Wanted): Promise<FoundEntries> {
  const entries: LocatedEntry[] = [];
  const rejected: { seq: number; reason: string }[] = [];
  for await (const message of ledgerMessages(blocks)) {
    if (!wanted.mentions(Buffer.from(message.data.buffer, message.data.byteOffset, message.data.byteLength))) continue;
    try {
      const block = openAuthorised(message, authority);
      block.entries.forEach((authentic, i) => {
        const entry = parseEntry(authentic);
        if (wanted.matches(entry, { seq: message.seq, i })) entries.push({ seq: message.seq, i, entry, block });
      });
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      rejected.push({ seq: message.seq, reason: messageOf(error) });
    }
  }
  return { entries, rejected };
}

/** Every message that the ledger holds now, in order. Throws LEDGER_UNAVAILABLE. */
export async function* ledgerMessages(blocks: Pick<BlockLog, 'read'>): AsyncIterable<LedgerMessage> {
  for (let fromSeq = 1; ;) {
    const { messages, isUpToDate } = await blocks.read(fromSeq).catch((cause: unknown) => {
      throw new Fault('LEDGER_UNAVAILABLE', 'the ledger cannot be read', { cause });
    });
    yield* messages;
    const last = messages.at(-1);
    if (isUpToDate || last === undefined) return;
    fromSeq = last.seq + 1;
  }
}
