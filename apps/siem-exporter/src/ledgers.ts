import type { SinkState } from './ports.js';

/** The ledger of now, and those that ended before it, oldest first, with the number of their entries. */
export interface Ledgers {
  readonly now: string;
  readonly closed: readonly { readonly ledger: string; readonly size: number }[];
}

/** Entries of one ledger that a sink will not get from the stream. */
export interface Missed {
  readonly ledger: string;
  readonly first: number;
  readonly last: number;
}

/**
 * What a sink has not got of the ledgers that ended, when the next message that it gets is of the ledger `next`. A ledger is complete in
 * the stream before the next one begins, so what the sink has not got by then was pushed out of it. A sink that is new misses nothing.
 */
export function missedBefore(next: string, state: Pick<SinkState, 'logName' | 'next'>, { closed }: Ledgers): Missed[] {
  const from = closed.findIndex(({ ledger }) => ledger === state.logName);
  const to = closed.findIndex(({ ledger }) => ledger === next);
  if (from < 0) return [];
  return closed.slice(from, to < 0 ? closed.length : to).flatMap(({ ledger, size }, at) => {
    const first = at === 0 ? state.next : 0;
    return first < size ? [{ ledger, first, last: size - 1 }] : [];
  });
}

/** What an entry says of leaves that are of a ledger before the one that it is written in. */
export function ofLedger(ledger: string, { now }: Ledgers): { readonly of?: string } {
  return ledger === now ? {} : { of: ledger };
}
