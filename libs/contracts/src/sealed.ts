import { z } from 'zod';

/** Entries that stand under a published checkpoint, in order. A convenience for exporters: it can be rebuilt from the log's tiles. */
export const SEALED_STREAM = 'SEALED';
export const SEALED_SUBJECT = 'ledger.sealed';
/** JetStream API prefix through which the SIEM account reads SEALED. */
export const SIEM_API_PREFIX = 'SIEM.API';
/** A message of SEALED holds at most so many entries, in at most 240,000 bytes. */
export const SEALED_ENTRIES_MAX = 256;

/**
 * One message of SEALED, published after the checkpoint that covers it. Messages are contiguous: `first` of the next one is `first`
 * of this one plus its number of entries. `Nats-Msg-Id` is `<log_name>/<first>`.
 */
export const SealedMessage = z.strictObject({
  v: z.literal(1),
  /** The origin of the log's checkpoints. */
  log_name: z.string().regex(/^[^\s+\p{Cc}]{1,256}$/u),
  /** Leaf index of the first entry. */
  first: z.int().min(0),
  /** Size of the tree of the checkpoint, and its RFC 6962 root in base64url: what a heartbeat repeats to the receiver. */
  size: z.int().min(1),
  root: z.string().length(43),
  /** The exact texts of the leaves. */
  entries: z.array(z.string()).min(1).max(SEALED_ENTRIES_MAX),
});
export type SealedMessage = Readonly<z.infer<typeof SealedMessage>>;

/** Name of the durable consumer of SEALED that one sink has. */
export const sealedConsumer = (sink: string): string => `siem-${sink}`;
