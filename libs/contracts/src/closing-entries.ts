import { z } from 'zod';
import { LedgerName } from './names.js';

const Root = z.string().length(43);

/** More than 64 cosignatures need, and less than an entry may have. */
export const CHECKPOINT_CHARACTERS_MAX = 12_000;

/**
 * The last entry of a ledger, which goes on under another name. It takes effect only when the trust bundle names the same one,
 * with the same key. */
export const ledgerFrozen = {
  next: LedgerName,
  /** Id of the key of the log that goes on. Nobody knows it before the root key has signed for it. */
  key: z.string().length(22),
  by: z.string().min(1).max(128),
  reason: z.string().min(1).max(256).optional(),
};

/** The ledger before, in the first entry of one that goes on from it: its last checkpoint, with the cosignatures that it got. */
export const PreviousLedger = z.strictObject({
  ledger: LedgerName,
  size: z.int().min(1),
  root: Root,
  /** The signed note. */
  checkpoint: z.string().min(1).max(CHECKPOINT_CHARACTERS_MAX),
});
export type PreviousLedger = Readonly<z.infer<typeof PreviousLedger>>;
