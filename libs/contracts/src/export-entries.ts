import { z } from 'zod';
import { LedgerName } from './names.js';

const Sink = z.string().regex(/^[a-z0-9][a-z0-9-]{0,30}$/);
const Index = z.int().min(0);

/** Leaves that a sink will never have: it refused them for good, or they were gone before it took them. */
export const exportGap = {
  sink: Sink,
  /** The ledger that they are of, when it is one before this one. */
  of: LedgerName.optional(),
  first: Index,
  last: Index,
  why: z.strictObject({ code: z.string().max(256) }),
};

/** Leaves that a sink gets once more, because somebody asked for it. */
export const exportReplayed = { sink: Sink, of: LedgerName.optional(), first: Index, last: Index };

/** A sink of the SIEM feed is another one than before: hashes of its declaration, null where there was or is none. */
export const sinkChanged = {
  sink: Sink,
  old: z.string().length(71).nullable(),
  new: z.string().length(71).nullable(),
};
