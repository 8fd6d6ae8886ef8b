import { z } from 'zod';

const Hash = z.string().length(43);

/**
 * The beginning of the LEDGER stream, or of the log directory, was removed by the operator. It is written before anything goes: what
 * is missing without one was not removed by Writ.
 */
export const ledgerPruned = {
  of: z.enum(['stream', 'log']),
  /** The first message that stays, and its first leaf. */
  seq: z.int().min(1),
  leaf: z.int().min(0),
  /** Of a log: the first file of the block index that stays. */
  file: z.int().min(0).optional(),
  /** The signed head up to which the log was verified before. */
  size: z.int().min(1),
  root: Hash,
};

/** What the removed part of the stream said of a producer and readers of the rest still need. */
export const producerCarried = {
  of: z.string().regex(/^[a-z0-9-]{1,32}$/),
  /** Hash of its last block, when that is in the removed part: its next one points at it. */
  prev: Hash.optional(),
  /** Of a decision service: the policies that it activated last, and the highest version that it ever had in force. */
  epoch: z
    .strictObject({
      hash: z.string().regex(/^sha256:[0-9a-f]{64}$/),
      ver: z.int().min(1),
      highest: z.int().min(1),
      published: z.boolean(),
      since: z.iso.datetime(),
    })
    .optional(),
};
