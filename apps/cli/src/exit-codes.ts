/** What the commands end with. `ledger verify` has codes of its own: 0 witnessed, 10, 20, 30, 40. */
export const EXIT = {
  ok: 0,
  /** The call was denied or refused, or the command could not do what it was asked. */
  no: 1,
  /** The call was permitted and did not complete: it failed, expired, or nobody can say. */
  failed: 2,
  usage: 64,
  unavailable: 69,
  config: 78,
} as const;
