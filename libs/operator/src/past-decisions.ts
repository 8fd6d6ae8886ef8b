import type { DecidedEntry } from '#writ/contracts';
import { Fault, messageOf } from '#writ/faults';
import {
  type BlockLog,
  openAuthorised,
  type PayloadLog,
  type PayloadOpener,
  PayloadSequence,
} from '#writ/ledger-client';
import type { Authority } from '#writ/signing';
import { type DecisionValues, openDecision, parseEntry } from '#writ/tlog';
import { ledgerMessages, type RemovedMessages } from './find-call.js';

/** A decision on record, and what stands behind its commitments; `gone` also when that was not asked for. */
export interface PastDecision {
  readonly entry: DecidedEntry;
  readonly values: DecisionValues;
}

/** The decisions of one block, in order. */
export interface PastBlock {
  readonly seq: number;
  readonly decisions: readonly PastDecision[];
}

/** What the past is read from. Nothing in it can publish a command. */
export interface PastSources {
  readonly blocks: Pick<BlockLog, 'read'>;
  readonly payloads: PayloadLog;
  /** Where blocks are that the stream has no more. */
  readonly removed?: RemovedMessages;
  readonly authority: Authority;
  readonly values: Pick<PayloadOpener, 'open'>;
}

/** An entry's time is its producer's; the values are looked for from a little before it. */
const SKEW_MS = 5_000;

/**
 * Every block that holds decisions, in stream order, each verified. Values are read from `valuesFromSeq` on, beside the blocks: the
 * whole ledger takes one pass. Each is checked against the commitment of its entry. `onRejected` is told of a message that is no
 * authorised block. Throws LEDGER_UNAVAILABLE.
 */
export async function* pastDecisions(
  sources: PastSources,
  options: { readonly valuesFromSeq: number; readonly onRejected: (seq: number, reason: string) => void },
): AsyncIterable<PastBlock> {
  const sequences = new Map<string, PayloadSequence>();
  for await (const message of ledgerMessages(sources.blocks, sources.removed)) {
    const opened = openBlock(message, sources, options.onRejected);
    if (opened === undefined || opened.entries.length === 0) continue;
    const { seq } = message;
    const { producer, hash, entries } = opened;
    if (seq < options.valuesFromSeq) {
      yield { seq, decisions: entries.map((entry) => ({ entry, values: GONE })) };
      continue;
    }
    let sequence = sequences.get(producer);
    if (sequence === undefined) {
      const sinceMs = Date.parse(entries[0]?.ts ?? '') - SKEW_MS;
      sequences.set(producer, (sequence = new PayloadSequence(sources.payloads, producer, sinceMs)));
    }
    const valuesOf = await openValues(await sequence.of(hash), sources);
    yield { seq, decisions: entries.map((entry) => ({ entry, values: valuesOf(entry) })) };
  }
}

const GONE: DecisionValues = { status: 'gone' };

/** What a payload message says about each entry of its block. One that was changed since it was written is believed in nothing. */
async function openValues(
  payload: Uint8Array | undefined,
  { values }: PastSources,
): Promise<(entry: DecidedEntry) => DecisionValues> {
  if (payload === undefined) return () => GONE;
  try {
    const opened = await values.open(payload);
    return (entry) => openDecision(entry, opened.get(entry.id));
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'LEDGER_CORRUPT') throw error;
    return () => ({ status: 'differs' });
  }
}

function openBlock(
  message: Parameters<typeof openAuthorised>[0],
  { authority }: PastSources,
  onRejected: (seq: number, reason: string) => void,
) {
  try {
    const { block, entries: authentic } = openAuthorised(message, authority);
    const isDecided = (text: { readonly type: string }): text is DecidedEntry => text.type.endsWith('.decided');
    const entries = authentic.map((entry) => parseEntry(entry)).filter(isDecided);
    return { producer: block.producer, hash: block.hash, entries };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    onRejected(message.seq, messageOf(error));
    return undefined;
  }
}
