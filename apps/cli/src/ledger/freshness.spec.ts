import { formatAge, readDuration, readTime } from './freshness.js';

describe('times and durations on the command line', () => {
  it.each([
    ['90s', 90],
    ['15m', 900],
    ['24h', 86_400],
    ['7d', 604_800],
  ])('reads %s', (text, seconds) => {
    expect(readDuration(text)).toBe(seconds);
  });

  it.each(['', '0s', '-5m', '1.5h', '10', 'm', '1e3s', '15 m', '9999999999s'])('refuses %j as a duration', (text) => {
    expect(() => readDuration(text)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });

  it('reads a time in any zone, and refuses one without', () => {
    expect(readTime('2026-11-22T05:30:00Z')).toBe(1_795_325_400);
    expect(readTime('2026-11-22T06:30:00+01:00')).toBe(1_795_325_400);
    for (const text of ['2026-11-22', 'yesterday', '2026-11-22T05:30:00', '2026-13-22T05:30:00Z'])
      expect(() => readTime(text)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });

  it('says an age in a unit that is easy to read', () => {
    expect([-3, 0, 100, 200, 8_000, 400_000].map(formatAge)).toEqual([
      '3 s in the future',
      '0 s old',
      '100 s old',
      '3 m old',
      '2 h old',
      '4 d old',
    ]);
  });
});
