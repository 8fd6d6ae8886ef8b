import type { How } from './egress-clients.js';

/** What one way showed at one number of requests in flight. CPU is by process; the service's own is left out. */
export interface Measured {
  readonly through: 'direct' | 'squid' | 'writ' | 'writ-sdk';
  readonly how: How;
  readonly inFlight: number;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuUsPerRequest: Readonly<Record<string, number>>;
}

/** This way's number by the other's: of requests a second more is better, of the others less. */
interface Ratios {
  readonly requestsPerSecond: number;
  readonly p99: number;
  readonly cpu: number;
}

export interface EgressRow extends Measured {
  readonly toDirect?: Ratios;
  readonly toSquid?: Ratios;
}

/** Each row beside those of the same run that asked the same way, as many at once, directly and through Squid. */
export function withRatios(rows: readonly Measured[]): readonly EgressRow[] {
  return rows.map((row) => {
    const beside = (through: Measured['through']) =>
      rows.find((each) => each.through === through && each.how === row.how && each.inFlight === row.inFlight);
    const direct = row.through === 'direct' ? undefined : beside('direct');
    const squid = row.through.startsWith('writ') ? beside('squid') : undefined;
    return {
      ...row,
      ...(direct !== undefined && { toDirect: ratios(row, direct) }),
      ...(squid !== undefined && { toSquid: ratios(row, squid) }),
    };
  });
}

function ratios(of: Measured, to: Measured): Ratios {
  const ratio = (a = 0, b = 0) => Number((a / b).toPrecision(3));
  return {
    requestsPerSecond: ratio(of.requestsPerSecond, to.requestsPerSecond),
    p99: ratio(of.p99Ms, to.p99Ms),
    cpu: ratio(of.cpuUsPerRequest['total'], to.cpuUsPerRequest['total']),
  };
}
