import { type Measured, withRatios } from './egress-rows.js';

const measured = (through: Measured['through'], times: number, more: Partial<Measured> = {}): Measured => ({
  through,
  how: 'http',
  inFlight: 16,
  requestsPerSecond: 1_000 / times,
  p50Ms: times,
  p99Ms: 2 * times,
  cpuUsPerRequest: { client: 50, total: 100 * times },
  ...more,
});

describe('the rows of the egress benchmark', () => {
  it('have each way beside the direct one and Squid of the same run, kind and number in flight', () => {
    const rows = withRatios([
      measured('direct', 100, { how: 'https-kept' }),
      measured('direct', 100, { inFlight: 1 }),
      measured('direct', 1),
      measured('squid', 2),
      measured('writ', 8),
    ]);
    const [direct, squid, writ] = rows.slice(2);
    expect(direct).not.toHaveProperty('toDirect');
    expect(squid).toMatchObject({ toDirect: { requestsPerSecond: 0.5, p99: 2, cpu: 2 } });
    expect(squid).not.toHaveProperty('toSquid');
    expect(writ).toMatchObject({
      toDirect: { requestsPerSecond: 0.125, p99: 8, cpu: 8 },
      toSquid: { requestsPerSecond: 0.25, p99: 4, cpu: 4 },
    });
  });

  it('have no ratio to a Squid that was not there', () => {
    const rows = withRatios([measured('direct', 1), measured('writ-sdk', 4)]);
    expect(rows[1]).toMatchObject({ toDirect: { cpu: 4 } });
    expect(rows[1]).not.toHaveProperty('toSquid');
  });
});
