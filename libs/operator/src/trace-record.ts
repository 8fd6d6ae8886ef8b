import type { Entry, Json, PayloadValue } from '#writ/contracts';
import { Fault, messageOf } from '#writ/faults';
import { openAuthorised, PayloadSequence } from '#writ/ledger-client';
import { opensTo, parseEntry, type VerifiedBlock } from '#writ/tlog';
import { z } from 'zod';
import { ledgerMessages } from './find-call.js';
import type { PastSources } from './past-decisions.js';

/** Which record is traced. An id is its owner's and its namespace's: without them every record of that id is meant. */
export interface WantedRecord {
  readonly id: string;
  readonly namespace?: string | undefined;
  readonly owner?: string | undefined;
}

/** One call that had to do with a record, as its outcome on record says. */
export interface RecordUse {
  /** `delete`: the id was among those of a call that deleted `deleted` records of `asked` ids. */
  readonly how: 'write' | 'read' | 'delete';
  readonly namespace: string;
  readonly agent: string;
  readonly call: string;
  readonly at: string;
  /** Id of the entry of the outcome. */
  readonly entry: string;
  /** Of what was written or read: whose it is, and of what was read the call that wrote it. */
  readonly owner?: string;
  readonly writtenBy?: string;
  readonly deleted?: number;
  readonly asked?: number;
}

/** What the ledger and the vault say of a record, in the order in which it is on record. */
export interface RecordTrace {
  readonly uses: readonly RecordUse[];
  /** Outcomes and deletions of which nobody can say: their values are erased, past retention, or not those that were committed to. */
  readonly unopened: number;
  /** Memory calls of which nobody can say whether they ran. */
  readonly indeterminate: number;
}

const Written = z.object({ ids: z.array(z.string()) });
const Read = z.object({
  records: z.array(z.object({ id: z.string(), owner: z.string(), call: z.string().optional() })),
});
const Deleted = z.object({ deleted: z.int() });
const Asked = z.object({ ids: z.array(z.string()) });
const Outcome = z.object({ status: z.literal('completed'), output: z.unknown() });

/** An entry's time is its producer's; the values are looked for from a little before it. */
const SKEW_MS = 5_000;

/**
 * Finds every call that wrote a record, read it or deleted its id. Reads the whole ledger once, and the values of memory calls, each
 * checked against the commitment of its entry. `onRejected` is told of a message that is no authorised block. Throws LEDGER_UNAVAILABLE.
 */
export async function traceRecord(
  sources: PastSources,
  wanted: WantedRecord,
  onRejected: (seq: number, reason: string) => void,
): Promise<RecordTrace> {
  const trace = new Trace(wanted);
  const values = new ValuesBesideBlocks(sources);
  for await (const message of ledgerMessages(sources.blocks, sources.removed)) {
    let block: VerifiedBlock;
    let entries: readonly Entry[];
    try {
      block = openAuthorised(message, sources.authority);
      entries = block.entries.map((authentic) => parseEntry(authentic));
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      onRejected(message.seq, messageOf(error));
      continue;
    }
    const stored = await values.of(block, entries, (entry) => trace.mayTell(entry));
    entries.forEach((entry, i) => trace.take(entry, { seq: message.seq, i }, stored.get(entry.id)));
  }
  return trace;
}

/** Reads the payload messages of producers beside their blocks, from the first block on of which something is needed. */
class ValuesBesideBlocks {
  readonly #sequences = new Map<string, PayloadSequence>();

  constructor(private readonly sources: PastSources) {}

  async of(
    { block: { producer, hash } }: VerifiedBlock,
    entries: readonly Entry[],
    isNeeded: (entry: Entry) => boolean,
  ): Promise<ReadonlyMap<string, readonly PayloadValue[]>> {
    const needed = entries.find(isNeeded);
    let sequence = this.#sequences.get(producer);
    if (sequence === undefined) {
      if (needed === undefined) return NOTHING;
      sequence = new PayloadSequence(this.sources.payloads, producer, Date.parse(needed.ts) - SKEW_MS);
      this.#sequences.set(producer, sequence);
    }
    // Also of a block of which nothing is needed: the messages are read in order.
    const payload = await sequence.of(hash);
    if (payload === undefined || needed === undefined) return NOTHING;
    try {
      return await this.sources.values.open(payload);
    } catch (error) {
      // Values that were changed since they were written are believed in nothing.
      if (error instanceof Fault && error.code === 'LEDGER_CORRUPT') return NOTHING;
      throw error;
    }
  }
}

const NOTHING: ReadonlyMap<string, readonly PayloadValue[]> = new Map();

class Trace implements RecordTrace {
  readonly uses: RecordUse[] = [];
  unopened = 0;
  indeterminate = 0;
  /** Deletions that were allowed and name the id, by where their decision stands. */
  readonly #deletions = new Map<string, number>();

  constructor(private readonly wanted: WantedRecord) {}

  /** Whether the values of the entry can say something of the record. */
  mayTell(entry: Entry): boolean {
    switch (entry.type) {
      case 'memory.query.completed':
      case 'memory.write.completed':
      case 'memory.delete.completed':
        return entry.eff.d === 'ok' && this.#isNamespace(entry.act.res);
      case 'memory.delete.decided':
        return entry.eff.d === 'allow' && this.#isNamespace(entry.act.res);
      default:
        return false;
    }
  }

  take(
    entry: Entry,
    place: { readonly seq: number; readonly i: number },
    stored: readonly PayloadValue[] | undefined,
  ): void {
    if (
      entry.type === 'call.indeterminate' &&
      entry.act.kind.startsWith('memory.') &&
      this.#isNamespace(entry.act.res)
    ) {
      this.indeterminate += 1;
    }
    if (!this.mayTell(entry)) return;
    switch (entry.type) {
      case 'memory.delete.decided':
        return this.#asked(`${place.seq}.${place.i}`, opened(Asked, entry.io.in, '/in', stored));
      case 'memory.write.completed':
        return this.#wrote(entry, outputOf(Written, entry, stored));
      case 'memory.query.completed':
        return this.#read(entry, outputOf(Read, entry, stored));
      case 'memory.delete.completed':
        return this.#deleted(entry, outputOf(Deleted, entry, stored));
    }
  }

  #isNamespace(name: string): boolean {
    return this.wanted.namespace === undefined || this.wanted.namespace === name;
  }

  #isOwner(name: string): boolean {
    return this.wanted.owner === undefined || this.wanted.owner === name;
  }

  #asked(place: string, asked: z.infer<typeof Asked> | undefined): void {
    if (asked === undefined) this.unopened += 1;
    else if (asked.ids.includes(this.wanted.id)) this.#deletions.set(place, asked.ids.length);
  }

  #wrote(entry: MemoryOutcome, output: z.infer<typeof Written> | undefined): void {
    const owner = entry.who.agent;
    if (output === undefined) this.unopened += 1;
    else if (output.ids.includes(this.wanted.id) && this.#isOwner(owner)) {
      this.uses.push({ how: 'write', ...aboutCall(entry), owner });
    }
  }

  #read(entry: MemoryOutcome, output: z.infer<typeof Read> | undefined): void {
    if (output === undefined) this.unopened += 1;
    for (const { id, owner, call } of output?.records ?? []) {
      if (id !== this.wanted.id || !this.#isOwner(owner)) continue;
      this.uses.push({ how: 'read', ...aboutCall(entry), owner, ...(call === undefined ? {} : { writtenBy: call }) });
    }
  }

  #deleted(entry: MemoryOutcome, output: z.infer<typeof Deleted> | undefined): void {
    const asked = this.#deletions.get(`${entry.dec.seq}.${entry.dec.i}`);
    if (asked === undefined) return;
    if (output === undefined) this.unopened += 1;
    else this.uses.push({ how: 'delete', ...aboutCall(entry), deleted: output.deleted, asked });
  }
}

type MemoryOutcome = Extract<Entry, { type: `memory.${string}.completed` }>;

function aboutCall({ act, who, corr, ts, id }: MemoryOutcome) {
  return { namespace: act.res, agent: who.agent, call: corr.call, at: ts, entry: id };
}

/** What the outcome gave out, when it is stored and is what the entry commits to. */
function outputOf<T>(
  schema: z.ZodType<T>,
  entry: MemoryOutcome,
  stored: readonly PayloadValue[] | undefined,
): T | undefined {
  const outcome = opened(Outcome, entry.io.out, '/out', stored);
  return outcome === undefined ? undefined : schema.safeParse(outcome.output).data;
}

function opened<T>(
  schema: z.ZodType<T>,
  commitment: string,
  path: string,
  stored: readonly PayloadValue[] | undefined,
): T | undefined {
  const found = stored?.find((value) => value.path === path);
  if (found === undefined) return undefined;
  const value: Json = found.value;
  return opensTo(commitment, found, value) ? schema.safeParse(value).data : undefined;
}
