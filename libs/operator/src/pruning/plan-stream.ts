import { type EntryBody, LEDGER_STREAM } from '#writ/contracts';
import { Fault } from '#writ/faults';
import { type BlockLog, type LedgerMessage, openAuthorised } from '#writ/ledger-client';
import type { StreamReader } from '#writ/nats';
import type { Authority } from '#writ/signing';
import {
  type BlockLine,
  isMessageOf,
  type LogDirectory,
  parseEntry,
  sealedLines,
  type VerifiedBlock,
} from '#writ/tlog';
import { messagesFrom } from '../find-call.js';
import { OPERATOR } from '../open-operator.js';
import { RemovedFacts } from './removed-facts.js';

/** How long messages stay in the stream, and how many bytes of them. */
export interface StreamRetention {
  readonly ageMsMax: number;
  /** Beyond this size older messages go sooner, but never before they have this age. */
  readonly bytesMax: number;
  readonly ageMsMin: number;
}

/** A verified log, and the leaves that its newest head names. */
interface VerifiedLog {
  readonly log: LogDirectory;
  readonly size: number;
}

export interface PlanSources {
  readonly blocks: BlockLog;
  readonly streams: Pick<StreamReader, 'info' | 'message' | 'read'>;
  readonly authority: Authority;
  /** The log, and the leaves of the head up to which it was verified, cosigned where a quorum is asked for. */
  readonly log: LogDirectory;
  readonly size: number;
  /** Those of the ledgers before this one of which the stream has something, oldest first. */
  readonly before?: readonly VerifiedLog[];
}

export interface StreamPlan {
  /** The first message there is, and the first that stays: the same when nothing may go. */
  readonly first: number;
  readonly keepFrom: number;
  /** Index of the first leaf that stays in the stream. */
  readonly leaf: number;
  /** What has to be said again before anything goes. */
  readonly carried: readonly EntryBody[];
}

/**
 * Which messages may go from the beginning of the stream: those that are older, or more, than they may be, each of them the message
 * that the verified log has at its place, and no allowed call among them without its end. Throws LEDGER_INTEGRITY when stream and log
 * differ, LEDGER_UNAVAILABLE when the stream cannot be read.
 */
export async function planStream(sources: PlanSources, retention: StreamRetention, nowMs: number): Promise<StreamPlan> {
  const { state } = await sources.streams.info(LEDGER_STREAM);
  const first = state.first_seq;
  let wanted = await wantedFrom(sources, retention, nowMs);
  while (wanted > first) {
    const walked = await walk(sources, first, wanted);
    if (walked.keepFrom <= first) break;
    const held = await firstOpenCall(sources, walked);
    // What a call needs that has not ended stays, and everything behind it.
    if (held === undefined) return { first, ...walked, carried: await carriedOver(sources, walked) };
    wanted = held;
  }
  return { first, keepFrom: first, leaf: 0, carried: [] };
}

/** The first message that has to stay by its age and by the size of the stream. The newest one always stays. */
async function wantedFrom({ streams }: PlanSources, retention: StreamRetention, nowMs: number): Promise<number> {
  const { first_seq: first, last_seq: last, messages, bytes } = (await streams.info(LEDGER_STREAM)).state;
  const newest = messages === 0 ? undefined : await streams.message(LEDGER_STREAM, last);
  if (newest === undefined) return first;
  // A clock that went ahead here alone makes nothing old: the sealer's ticks say how late it is for the server.
  const lateMs = Math.min(nowMs, Date.parse(newest.time));
  const since = async (ageMs: number) => {
    const startTime = new Date(lateMs - ageMs).toISOString();
    return (await streams.read(LEDGER_STREAM, { startTime, batch: 1 })).messages[0]?.seq ?? last;
  };
  const byAge = await since(retention.ageMsMax);
  if (bytes <= retention.bytesMax) return Math.min(byAge, last);
  const bySize = first + Math.ceil(messages * (1 - retention.bytesMax / bytes));
  return Math.min(Math.max(byAge, Math.min(bySize, await since(retention.ageMsMin))), last);
}

/** The block index of the ledgers before, in their order, and of this one. */
async function* linesOf({ before = [], log, size }: PlanSources): AsyncIterable<BlockLine> {
  for (const each of [...before, { log, size }]) yield* sealedLines(each.log, each.size);
}

interface Walked {
  readonly keepFrom: number;
  readonly leaf: number;
  readonly facts: RemovedFacts;
}

/** Reads the stream and the block index side by side, up to message `end` or to where the head ends. */
async function walk(sources: PlanSources, first: number, end: number): Promise<Walked> {
  const { blocks, authority } = sources;
  const facts = new RemovedFacts(authority.ledger);
  const messages = messagesFrom(blocks, first)[Symbol.asyncIterator]();
  let [keepFrom, leaf] = [first, 0];
  for await (const line of linesOf(sources)) {
    if (line.seq < first) continue;
    if (line.seq >= end) break;
    const next = await messages.next();
    if (next.done === true || !isMessageOf(line, next.value))
      throw new Fault(
        'LEDGER_INTEGRITY',
        `message ${line.seq} of the stream is not the one that the log has at its place`,
      );
    const opened = tryOpen(next.value, authority);
    if (opened !== undefined && !('rejected' in line)) facts.take(line.seq, opened);
    // Of this ledger nothing goes as long as something of the ledger before is there.
    [keepFrom, leaf] = [line.seq + 1, line.seq < authority.begins ? 0 : line.first + line.count];
  }
  return { keepFrom, leaf, facts };
}

/** The decision of an allowed call that no message of the stream ends; undefined when all have ended. */
async function firstOpenCall(
  { blocks, authority }: PlanSources,
  { keepFrom, facts }: Walked,
): Promise<number | undefined> {
  if (facts.firstOpen === undefined) return undefined;
  for await (const message of messagesFrom(blocks, keepFrom)) {
    const opened = tryOpen(message, authority);
    if (opened !== undefined) facts.takeLater(opened);
    if (facts.firstOpen === undefined) return undefined;
  }
  return facts.firstOpen;
}

async function carriedOver(sources: PlanSources, { keepFrom, facts }: Walked): Promise<readonly EntryBody[]> {
  const { blocks, authority } = sources;
  const later = new Set<string>();
  for await (const message of messagesFrom(blocks, keepFrom, OPERATOR)) {
    for (const authentic of tryOpen(message, authority)?.entries ?? []) {
      const entry = parseEntry(authentic);
      if (entry.type.startsWith('agent.identity.') && 'who' in entry) later.add(entry.who.agent);
    }
  }
  const behind = new Set<string>();
  for (const producer of facts.producers) {
    const tail = await blocks.tail(producer);
    // A message that anybody left on the subject is no block to go on from.
    if (tail !== undefined && tail.seq >= keepFrom && tryOpen(tail, authority) !== undefined) behind.add(producer);
  }
  return [...facts.identities(later), ...facts.carried((producer) => behind.has(producer))];
}

function tryOpen(message: LedgerMessage, authority: Authority): VerifiedBlock | undefined {
  try {
    return openAuthorised(message, authority);
  } catch (error) {
    if (error instanceof Fault) return undefined;
    throw error;
  }
}
