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
  readonly blocks: Pick<BlockLog, 'read'>;
  readonly authority: Authority;
  /** Where blocks are that the stream has no more; they are read when the stream has not what is looked for. */
  readonly removed?: RemovedMessages;
}

/**
 * Every entry about the calls with that id, or the evaluation with it, and every command refused that points at one of their
 * decisions. Reads the whole stream, and what was removed from it when the call begins there, and verifies the blocks that mention the id. Throws LEDGER_UNAVAILABLE.
 */
export async function entriesOfCall(source: LedgerSource, call: string): Promise<FoundEntries> {
  const inStream = await searchCall({ blocks: source.blocks, authority: source.authority }, call);
  const isThere = inStream.entries.some(({ entry }) => isBeginning(entry));
  return isThere || source.removed === undefined ? inStream : searchCall(source, call);
}

/** Whether an entry is what everything else about a call, or about an evaluation, follows. */
function isBeginning({ type }: Entry): boolean {
  return type.endsWith('.decided') || type === 'access.evaluated';
}

function searchCall(source: LedgerSource, call: string): Promise<FoundEntries> {
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
  const wanted: Wanted = { mentions: (text) => text.includes(id), matches: (entry) => entry.id === id };
  const inStream = await search({ blocks: source.blocks, authority: source.authority }, wanted);
  if (inStream.entries.length > 0 || source.removed === undefined) return inStream.entries[0];
  return (await search(source, wanted)).entries[0];
}

interface Wanted {
  /** Whether a block's text can hold what is wanted; most do not, and are not verified. */
  readonly mentions: (text: Buffer) => boolean;
  readonly matches: (entry: Entry, place: { readonly seq: number; readonly i: number }) => boolean;
}

async function search({ blocks, authority, removed }: LedgerSource, wanted: Wanted): Promise<FoundEntries> {
  const entries: LocatedEntry[] = [];
  const rejected: { seq: number; reason: string }[] = [];
  for await (const message of ledgerMessages(blocks, removed)) {
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

/** Gives the blocks before a message of the stream, from where they were kept. */
export type RemovedMessages = (endSeq: number) => AsyncIterable<LedgerMessage>;

/**
 * Every message that the ledger holds now, in order: those that were removed from the beginning of the stream first, where they can be
 * had. Throws LEDGER_UNAVAILABLE, and what `removed` throws.
 */
export async function* ledgerMessages(
  blocks: Pick<BlockLog, 'read'>,
  removed?: RemovedMessages,
): AsyncIterable<LedgerMessage> {
  let isFirst = true;
  for await (const message of messagesFrom(blocks, 1)) {
    if (isFirst && message.seq > 1 && removed !== undefined) yield* removed(message.seq);
    isFirst = false;
    yield message;
  }
}

/** Every message of the stream from a sequence on, of one producer alone when it is named. Throws LEDGER_UNAVAILABLE. */
export async function* messagesFrom(
  blocks: Pick<BlockLog, 'read'>,
  first: number,
  producer?: string,
): AsyncIterable<LedgerMessage> {
  for (let fromSeq = first; ;) {
    const { messages, isUpToDate } = await blocks.read(fromSeq, producer).catch((cause: unknown) => {
      throw new Fault('LEDGER_UNAVAILABLE', 'the ledger cannot be read', { cause });
    });
    yield* messages;
    const last = messages.at(-1);
    if (isUpToDate || last === undefined) return;
    fromSeq = last.seq + 1;
  }
}
