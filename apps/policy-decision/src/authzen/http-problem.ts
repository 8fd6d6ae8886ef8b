import { Fault, type FaultCode } from '#writ/faults';

/** The request is not one that the API takes; HTTP has a status for how. */
export class HttpProblem extends Error {
  readonly fault: Fault;

  constructor(
    readonly status: 404 | 405 | 415,
    message: string,
  ) {
    super(message);
    this.fault = new Fault('ACCESS_BAD_REQUEST', message);
  }
}

/** The status that tells of a fault. What this process cannot record, another one may: 503. */
export function statusOf(code: FaultCode): number {
  switch (code) {
    case 'ACCESS_UNAUTHENTICATED':
      return 401;
    case 'ACCESS_FORBIDDEN':
      return 403;
    case 'INPUT_TOO_LARGE':
      return 413;
    case 'BUSY':
    case 'POLICY_UNAVAILABLE':
      return 503;
    default:
      if (code.startsWith('INPUT_')) return 400;
      return code.startsWith('LEDGER_') ? 503 : 500;
  }
}
