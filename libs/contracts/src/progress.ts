import { z } from 'zod';

/** Enough for bytes of a download or rows of a table, and too few digits for the number of a card, which redactions look for above it. */
const AMOUNT_MAX = 1e12;
/** Of one message, in characters. */
export const PROGRESS_MESSAGE_MAX = 256;

const Amount = z.number().min(0).max(AMOUNT_MAX);

/** How far a call is: as in MCP, a number that grows, what it grows to if that is known, and a sentence for people. */
export const Progress = z.strictObject({
  progress: Amount,
  total: Amount.optional(),
  message: z.string().min(1).max(PROGRESS_MESSAGE_MAX).optional(),
});
export type Progress = Readonly<z.infer<typeof Progress>>;

/** A report is small: three members and a message whose characters are escaped at worst. */
export const REPORT_JSON_LIMITS = { bytesMax: 4_096, depthMax: 3 };

/**
 * What an executor says on `progress.<kind>.<pool>` of a command that it runs. It points at the decision as the command does; the salt is
 * that of the command, which nobody knows who was not given it.
 */
export const ProgressReport = z.strictObject({
  v: z.literal(1),
  seq: z.int().min(1),
  i: z.int().min(0).max(255),
  salt: z.string().length(22),
  progress: Progress,
});
export type ProgressReport = Readonly<z.infer<typeof ProgressReport>>;
