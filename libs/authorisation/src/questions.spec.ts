import * as fc from 'fast-check';
import { filterQuestion } from './questions.js';

describe('the time that policies see', () => {
  it('is that of the calendar, in UTC', () => {
    const millis = fc.integer({ min: 0, max: Date.UTC(2200, 0, 1) });
    fc.assert(
      fc.property(millis, (nowMs) => {
        const request = { kind: 'memory.delete', v: 1, call: 'c', namespace: 'notes', ids: ['a'] } as const;
        const { context } = filterQuestion(
          { ...request, ids: ['a'] },
          { agent: 'ada', session: { callsToday: 0 }, nowMs },
        );
        const date = new Date(nowMs);
        const expected = { unix: Math.floor(nowMs / 1000), hour: date.getUTCHours(), weekday: date.getUTCDay() };
        expect(context['time']).toEqual(expected);
      }),
    );
  });
});
