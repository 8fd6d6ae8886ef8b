import { statusFault } from './status-fault.js';

const NOW = Date.parse('2026-01-01T00:00:00Z');
const transientOf = (status: number, retryAfter?: string) =>
  statusFault({ status, headers: retryAfter === undefined ? {} : { 'retry-after': retryAfter } }, NOW).transient;

describe('an answer that is an error', () => {
  it.each([429, 502, 503, 504])('passes when its status is %d', (status) => {
    expect(transientOf(status)).toEqual({ sent: true });
  });

  it.each([400, 401, 404, 409, 500, 501])('is final when its status is %d', (status) => {
    expect(transientOf(status, '1')).toBeUndefined();
  });

  it.each([
    ['seconds', '3', 3_000],
    ['a moment', 'Thu, 01 Jan 2026 00:00:10 GMT', 10_000],
    ['a moment that is over', 'Wed, 31 Dec 2025 00:00:00 GMT', 0],
    ['a negative number', '-1', undefined],
    ['a fraction', '1.5', undefined],
    ['more digits than a time has', '99999999999999999999', undefined],
    ['another form of date', '2026-01-01T00:00:10Z', undefined],
    ['no moment at all', 'Thu, 99 Jan 2026 00:00:10 GMT', undefined],
  ])('is left alone as its Retry-After says: %s', (_case, text, afterMs) => {
    expect(transientOf(503, text)).toEqual({ sent: true, afterMs });
  });
});
