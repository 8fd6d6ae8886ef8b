import { Calls } from './calls.js';
import { completed, decided, ended, NOON, placed } from './entries.fixture.js';

const DAY_MS = 86_400_000;
const action = { kind: 'tool.call', resource: 'act', nowMs: NOON };

function after(...entries: readonly ReturnType<typeof placed>[]): Calls {
  const calls = new Calls('default');
  for (const entry of entries) calls.apply(entry);
  return calls;
}

describe('Calls', () => {
  it('knows nothing of a call that is not on record', () => {
    expect(after().get('alice', 'c')).toBeUndefined();
  });

  it('keeps a call id of one agent apart from the same id of another', () => {
    const calls = after(placed(1, decided('c')));
    expect(calls.get('alice', 'c')).toMatchObject({ status: 'open' });
    expect(calls.get('gus', 'c')).toBeUndefined();
  });

  it.each([
    ['denied', [placed(1, decided('c', 'deny'))], { status: 'denied' }, 0],
    ['allowed', [placed(1, decided('c'))], { status: 'open' }, 1],
    ['completed', [placed(1, decided('c')), placed(2, completed('c', 1))], { end: { type: 'completed', seq: 2 } }, 0],
    ['expired', [placed(1, decided('c')), placed(2, ended('call.expired', 'c', 1))], { end: { type: 'expired' } }, 0],
  ])('says that a call is %s', (_case, entries, state, open) => {
    const calls = after(...entries);
    expect(calls.get('alice', 'c')).toMatchObject(state);
    expect(calls.openCount).toBe(open);
  });

  it('lets the first end in stream order count', () => {
    const late = after(
      placed(1, decided('c')),
      placed(2, ended('call.indeterminate', 'c', 1)),
      placed(3, completed('c', 1)),
    );
    expect(late.get('alice', 'c')).toMatchObject({ status: 'ended', end: { type: 'indeterminate', seq: 2 } });
  });

  it('ignores an outcome that is about another decision', () => {
    const calls = after(placed(1, decided('c')), placed(2, completed('c', 9)));
    expect(calls.get('alice', 'c')).toMatchObject({ status: 'open' });
  });

  it('lets the first decision on an id count, and counts it once, however often it reads it', () => {
    const calls = after(placed(1, decided('c')), placed(1, decided('c')), placed(2, decided('c', 'deny')));
    expect(calls.get('alice', 'c')).toMatchObject({ status: 'open', decision: { seq: 1 } });
    expect(calls.allowedToday('alice', NOON)).toBe(1);
  });

  it('knows what was carried over when the stream lost its beginning, and lets what stands behind it count', () => {
    const hash = `sha256:${'c'.repeat(64)}`;
    const epoch = { hash, ver: 3, highest: 7, published: true, since: '2026-01-01T00:00:00.000Z' };
    const carried = placed(9, { type: 'producer.carried', of: 'pdp-0', epoch });
    const known = { hash, version: 3, highest: 7, isPublished: true, since: epoch.since };
    expect(after(carried).epochOf('pdp-0')).toEqual(known);
    expect(after(carried, carried).epochOf('pdp-0')).toEqual(known);
    const later = after(
      carried,
      placed(10, { type: 'producer.carried', of: 'pdp-0', epoch: { ...epoch, ver: 2, highest: 2 } }),
    );
    expect(later.epochOf('pdp-0')).toEqual(known);
    expect(
      after(placed(9, { type: 'producer.carried', of: 'exec-tool-1', prev: 'h'.repeat(43) })).epochOf('exec-tool-1'),
    ).toBeUndefined();
  });

  it('counts allows per agent and UTC day', () => {
    const calls = after(
      placed(1, decided('yesterday'), { ts: NOON - DAY_MS }),
      placed(2, decided('a')),
      placed(3, decided('b')),
      placed(4, decided('no', 'deny')),
    );
    expect(calls.allowedToday('alice', NOON)).toBe(2);
    expect(calls.allowedToday('alice', NOON + DAY_MS)).toBe(0);
    expect(calls.allowedToday('gus', NOON)).toBe(0);
  });

  it('ignores entries of another tenant', () => {
    const calls = after(placed(1, decided('c'), { tenant: 'other' }));
    expect(calls.get('alice', 'c')).toBeUndefined();
    expect(calls.allowedToday('alice', NOON)).toBe(0);
  });

  it('knows from the ledger whose identity was taken away, and whose was given back: IDENTITY-13', () => {
    const revoked = placed(1, { type: 'agent.identity.revoked', who: { agent: 'gus' }, key: 'U' });
    const issued = placed(2, { type: 'agent.identity.issued', who: { agent: 'gus' }, key: 'V' });
    expect(after(revoked).isRevoked('gus')).toBe(true);
    expect(after(revoked).isRevoked('alice')).toBe(false);
    expect(after(revoked, issued).isRevoked('gus')).toBe(false);
  });

  it('holds an id while it is being decided, and frees it when nothing came on record', () => {
    const calls = after();
    calls.reserve('alice', 'c', { digest: 'digest', isAllow: false, action });
    expect(calls.get('alice', 'c')).toEqual({ status: 'deciding', digest: 'digest', isAllow: false, action });
    calls.release('alice', 'c');
    expect(calls.get('alice', 'c')).toBeUndefined();
  });

  it('does not free an id that is on record', () => {
    const calls = after(placed(1, decided('c')));
    calls.release('alice', 'c');
    expect(calls.get('alice', 'c')).toMatchObject({ status: 'open' });
  });

  it('counts allows that are being recorded, so that calls in flight together cannot pass a daily limit', () => {
    const calls = new Calls('default');
    const nowMs = Date.UTC(2026, 0, 1);
    calls.reserve('alice', 'one', { digest: 'd', isAllow: true, action });
    calls.reserve('alice', 'two', { digest: 'd', isAllow: true, action });
    calls.reserve('alice', 'denied', { digest: 'd', isAllow: false, action });
    expect(calls.allowedToday('alice', nowMs)).toBe(2);
    calls.release('alice', 'two');
    calls.release('alice', 'denied');
    expect(calls.allowedToday('alice', nowMs)).toBe(1);
    expect(calls.allowedToday('bob', nowMs)).toBe(0);
  });
});

describe('a rate limit', () => {
  const limited = () => new Calls('default', { api: { rateLimit: { requests: 2, perSeconds: 60 } } });
  const fetched = (call: string) => decided(call, 'allow', 'once', { kind: 'egress.fetch', res: 'api' });
  const fetch = (nowMs: number) => ({ kind: 'egress.fetch', resource: 'api', nowMs });
  const allow = (nowMs: number) => ({ digest: 'd', isAllow: true, action: fetch(nowMs) });

  it('counts what is being recorded, what is on record once, and not what did not come there', () => {
    const calls = limited();
    calls.reserve('alice', 'one', allow(NOON));
    calls.reserve('alice', 'two', allow(NOON + 1_000));
    expect(calls.waitMs('alice', 'api', NOON + 1_000)).toBe(59_000);
    calls.release('alice', 'two');
    calls.apply(placed(1, fetched('one')));
    calls.apply(placed(1, fetched('one')));
    expect(calls.waitMs('alice', 'api', NOON + 1_000)).toBeUndefined();
    calls.reserve('alice', 'three', { ...allow(NOON + 2_000), isAllow: false });
    expect(calls.waitMs('alice', 'api', NOON + 2_000)).toBeUndefined();
  });

  it('is the same for whoever reads the ledger later', () => {
    const calls = limited();
    calls.apply(placed(1, fetched('one')));
    calls.apply(placed(2, decided('denied', 'deny', 'once', { kind: 'egress.fetch', res: 'api' })));
    calls.apply(placed(3, fetched('two'), { ts: NOON + 10_000, producer: 'pdp-1' }));
    expect(calls.waitMs('alice', 'api', NOON + 20_000)).toBe(40_000);
    expect(calls.waitMs('alice', 'api', NOON + 60_000)).toBeUndefined();
  });
});
