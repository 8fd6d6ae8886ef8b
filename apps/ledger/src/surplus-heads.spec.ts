import { type EarlierHead, surplusHeads } from './surplus-heads.js';

const NOW_MS = Date.UTC(2026, 10, 22, 12);
const MINUTE_MS = 60_000;
const DAY_MINUTES = 1_440;

/** A head so many minutes ago; the larger the later. */
const head = (minutesAgo: number, cosignatures = 1): EarlierHead => ({
  size: 10_000_000 - minutesAgo * 10,
  timeMs: NOW_MS - minutesAgo * MINUTE_MS,
  cosignatures,
});
const minutes = (from: number, to: number, step = 1): EarlierHead[] =>
  Array.from({ length: (to - from) / step }, (_, n) => head(from + n * step));
const left = (heads: readonly EarlierHead[], nowMs = NOW_MS) => {
  const surplus = new Set(surplusHeads(heads, nowMs));
  return heads.filter(({ size }) => !surplus.has(size));
};

describe('surplusHeads', () => {
  it('keeps a head a quarter of a second for an hour, one in 5 minutes for a day, and one an hour after that', () => {
    const heads = [...minutes(0, 60, 1 / 240), ...minutes(60, 10 * DAY_MINUTES)];
    const kept = left(heads).map(({ timeMs }) => (NOW_MS - timeMs) / MINUTE_MS);
    expect(kept.filter((ago) => ago < 60)).toHaveLength(60 * 240);
    const [ofDay, older] = [(ago: number) => ago < DAY_MINUTES, (ago: number) => ago >= DAY_MINUTES];
    expect(Math.abs(kept.filter((ago) => ago >= 60 && ofDay(ago)).length - (23 * 60) / 5)).toBeLessThan(2);
    expect(Math.abs(kept.filter(older).length - 9 * 24)).toBeLessThan(2);
  });

  it('keeps the newest one, however old it is', () => {
    expect(left([head(5 * DAY_MINUTES), head(5 * DAY_MINUTES - 1), head(5 * DAY_MINUTES - 2)])).toContainEqual(
      head(5 * DAY_MINUTES - 2),
    );
  });

  it('keeps of several the one that most witnesses cosigned, so that entries stay between times that others saw', () => {
    const old = [head(2_884, 2), head(2_883, 0), head(2_882, 1)];
    expect(left([...old, head(0)])).toEqual([head(2_884, 2), head(0)]);
  });

  it('comes to the same end when it is done often and when it is done once', () => {
    const heads = minutes(0, 3 * DAY_MINUTES).map((each, n) => ({ ...each, cosignatures: (n * 7) % 3 }));
    let often: readonly EarlierHead[] = heads;
    for (let ago = 3 * DAY_MINUTES; ago >= 0; ago -= 10) {
      const nowMs = NOW_MS - ago * MINUTE_MS;
      const then = often.filter(({ timeMs }) => timeMs <= nowMs);
      const surplus = new Set(surplusHeads(then, nowMs));
      often = often.filter(({ size }) => !surplus.has(size));
    }
    const laterMs = NOW_MS + 2 * DAY_MINUTES * MINUTE_MS;
    expect(left(often, laterMs)).toEqual(left(heads, laterMs));
  });

  it('takes nothing away that a clock which was put back says to come from the future', () => {
    const heads = minutes(0, 180);
    expect(left(heads, NOW_MS - 10 * DAY_MINUTES * MINUTE_MS)).toEqual(heads);
  });

  it('has nothing to take from an empty log', () => {
    expect(surplusHeads([], NOW_MS)).toEqual([]);
  });
});
