import { Fault } from '#writ/faults';

/** Why a message of the ledger stream is not a block that counts. */
export const REFUSALS = [
  'malformed',
  'entry_size',
  'bad_root',
  'subject',
  'ledger',
  'ledger_closed',
  'unknown_key',
  'not_authorised',
  'bad_sig',
  'expired_key',
  'bad_entry',
  'replay',
  'fork',
  'reordered',
  'stale_boot',
] as const;
export type Refusal = (typeof REFUSALS)[number];

/** LEDGER_CORRUPT with a sentence for people and, as its cause, the refusal for programs. */
export function refused(refusal: Refusal, message: string): Fault {
  return new Fault('LEDGER_CORRUPT', message, { cause: refusal });
}

/** The refusal inside a thrown value that `openBlock` or `verifyBlock` threw; undefined for anything else. */
export function refusalOf(thrown: unknown): Refusal | undefined {
  if (!(thrown instanceof Fault)) return undefined;
  return REFUSALS.find((refusal) => refusal === thrown.cause);
}
