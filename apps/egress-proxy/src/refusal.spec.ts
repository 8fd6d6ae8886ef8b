import { Refused } from '#writ/agent-sdk';
import { refusalOf } from './refusal.js';

describe('the refusal of a request', () => {
  it('over a rate limit is 429 and says, in whole seconds, when there is room again', () => {
    const thrown = new Refused('no further request for 1500 ms', { code: 'RATE_LIMITED', retryAfterMs: 1_500 });
    expect(refusalOf(thrown, 'c')).toMatchObject({
      status: 429,
      headers: { 'writ-code': 'RATE_LIMITED', 'retry-after': '2', connection: 'close' },
    });
  });

  it('that no time changes names none', () => {
    const { status, headers } = refusalOf(new Refused('no', { code: 'INPUT_INVALID' }));
    expect([status, headers['retry-after']]).toEqual([403, undefined]);
  });
});
