import { bundleOf, cedar } from '../../../test/vectors/cedar-oracle.js';
import type { JsonObject } from '#writ/contracts';
import type { Entity } from './bundle.js';
import { decide } from './decide.js';
import { compilePolicies, type PolicySet } from './policy-set.js';

const entities: readonly Entity[] = [
  {
    uid: { type: 'U', id: 'a' },
    attrs: { ip: { __extn: { fn: 'ip', arg: '1.2.3.4' } } },
    parents: [],
    tags: { a: 1, '': 2, since: { __extn: { fn: 'datetime', arg: '2024-01-01' } } },
  },
];
const request = {
  principal: { type: 'U', id: 'a' },
  action: { type: 'Action', id: 'use' },
  resource: { type: 'U', id: 'ghost' },
  context: { s: '1.2.3.4', n: 5 } as JsonObject,
};

const setOf = (expression: string): PolicySet =>
  compilePolicies(bundleOf({ p: `permit (principal, action, resource) when { ${expression} };` }), entities);

const TOO_LONG = 'text too long for a value of an extension type';

/** What a `when` with this expression does: holds, does not hold, or errors. */
function outcomeOf(expression: string): 'holds' | 'fails' | 'errors' {
  const decision = decide(setOf(expression), request);
  return decision.effect === 'permit' ? 'holds' : decision.errors.length > 0 ? 'errors' : 'fails';
}

function outcomeInCedar(expression: string): string {
  const staticPolicies = { p: `permit (principal, action, resource) when { ${expression} };` };
  const answer = cedar.isAuthorized({ ...request, policies: { staticPolicies }, entities: entities as never } as never);
  if (answer.type === 'failure') throw new Error(answer.errors[0]?.message);
  const { decision, diagnostics } = answer.response;
  return decision === 'allow' ? 'holds' : diagnostics.errors.length > 0 ? 'errors' : 'fails';
}

describe('a condition with values', () => {
  it.each([
    ['ip("1.2.3.4") == ip("1.2.3.4/32")', 'holds'],
    ['ip("10.0.0.1/24") == ip("10.0.0.2/24")', 'fails'],
    ['ip("::1") == ip("0:0:0:0:0:0:0:1")', 'holds'],
    ['ip("::ffff:1.2.3.4").isIpv6()', 'errors'],
    ['ip("1::1.2.3.4").isIpv6()', 'errors'],
    ['ip("::ffff:1.2.3.4") == ip("::ffff:102:304")', 'errors'],
    ['ip("01.2.3.4").isIpv4()', 'errors'],
    ['ip("1.2.3.4/032").isIpv4()', 'errors'],
    ['ip("1.2.3.4/+3").isIpv4()', 'errors'],
    ['ip("1.2.3.4/0").isIpv4()', 'holds'],
    ['ip("1.2.3.4/00").isIpv4()', 'errors'],
    ['ip("1.2.3.4/33").isIpv4()', 'errors'],
    ['ip("1.2.3.4/8/8").isIpv4()', 'errors'],
    ['ip("::1/129").isIpv6()', 'errors'],
    ['ip("::1/128").isIpv6()', 'holds'],
    ['ip("::1/1280").isIpv6()', 'errors'],
    ['ip("::1/064").isIpv6()', 'errors'],
    ['ip("::1/").isIpv6()', 'errors'],
    ['ip("/24").isIpv6()', 'errors'],
    ['ip("[::1]").isIpv6()', 'errors'],
    ['ip("::1%eth0").isIpv6()', 'errors'],
    ['ip(" 1.2.3.4").isIpv4()', 'errors'],
    ['ip("1.2.3.4 ").isIpv4()', 'errors'],
    ['ip("1.2.3").isIpv4()', 'errors'],
    ['ip("1.2.3.256").isIpv4()', 'errors'],
    ['ip("0x1.2.3.4").isIpv4()', 'errors'],
    ['ip("ABCD:ef01::1").isIpv6()', 'holds'],
    ['ip("00001::1").isIpv6()', 'errors'],
    ['ip("0001::1").isIpv6()', 'holds'],
    ['ip("1:2:3:4:5:6:7::").isIpv6()', 'holds'],
    ['ip("::2:3:4:5:6:7:8").isIpv6()', 'holds'],
    ['ip("1:2:3:4::5:6:7:8").isIpv6()', 'errors'],
    ['ip("1:2:3:4:5:6:7:8::").isIpv6()', 'errors'],
    ['ip("::").isIpv6()', 'holds'],
    ['ip(":::").isIpv6()', 'errors'],
    ['ip(":1").isIpv6()', 'errors'],
    ['ip("1:").isIpv6()', 'errors'],
    ['ip("1::2::3").isIpv6()', 'errors'],
    ['ip("0:0:0:0:0:0:0:0:0").isIpv6()', 'errors'],
    ['ip("1111:2222:3333:4444:5555:6666:7777:8888/128").isIpv6()', 'holds'],
    ['ip("1111:2222:3333:4444:5555:6666:123.123.123.123").isIpv6()', 'errors'],
    ['ip("1111:2222:3333:4444:5555:6666:12.12.12.12").isIpv6()', 'errors'],
    ['ip("1:2:3:4:5:6:7:1.2.3.4").isIpv6()', 'errors'],
    ['ip("1::2:3:4:5:1.2.3.4").isIpv6()', 'errors'],
    ['ip("1.2.3.4::").isIpv6()', 'errors'],
    ['ip("::01.2.3.4").isIpv6()', 'errors'],
    ['ip("127.0.0.1").isLoopback()', 'holds'],
    ['ip("127.0.0.1/8").isLoopback()', 'holds'],
    ['ip("127.0.0.1/7").isLoopback()', 'fails'],
    ['ip("::1").isLoopback()', 'holds'],
    ['ip("::1/127").isLoopback()', 'fails'],
    ['ip("::2/127").isLoopback()', 'fails'],
    ['ip("::ffff:127.0.0.1").isLoopback()', 'errors'],
    ['ip("224.0.0.1").isMulticast()', 'holds'],
    ['ip("239.255.1.1/4").isMulticast()', 'holds'],
    ['ip("239.255.1.1/3").isMulticast()', 'fails'],
    ['ip("ff00::1/8").isMulticast()', 'holds'],
    ['ip("ff00::1/7").isMulticast()', 'fails'],
    ['ip("1.2.3.4").isInRange(ip("1.2.3.0/24"))', 'holds'],
    ['ip("1.2.3.4/23").isInRange(ip("1.2.3.0/24"))', 'fails'],
    ['ip("1.2.3.4/24").isInRange(ip("1.2.3.9/24"))', 'holds'],
    ['ip("1.2.3.4").isInRange(ip("::/0"))', 'fails'],
    ['ip("::ffff:1.2.3.4").isInRange(ip("1.2.3.4"))', 'errors'],
    ['ip("1.2.3.4").isInRange(ip("0.0.0.0/0"))', 'holds'],
    ['ip("1.2.3.4").isInRange("0.0.0.0/0")', 'errors'],
    ['ip("1.2.3.4").isInRange(ip("1.2.3.4"), ip("1.2.3.5"))', 'errors'],
    ['ip(context.s).isIpv4()', 'holds'],
    ['ip(context.n).isIpv4()', 'errors'],
    ['ip("x").isIpv4()', 'errors'],
    ['context.s.isIpv4()', 'errors'],
    ['principal.ip == ip("1.2.3.4")', 'holds'],
    ['[ip("1.2.3.4"), decimal("1.0")].contains(decimal("1.00"))', 'holds'],
    ['ip("1.2.3.4") == decimal("1.0")', 'fails'],
    ['ip("1.2.3.4") < ip("1.2.3.5")', 'errors'],
    ['ip("1.2.3.4").lessThan(ip("1.2.3.5"))', 'errors'],
    ['principal.ip has fn', 'errors'],
    ['principal.ip.fn == "ip"', 'errors'],
    ['ip("1.2.3.4") has fn', 'errors'],
    ['ip("1.2.3.4").fn == 1', 'errors'],
    ['ip("1.2.3.4") in principal', 'errors'],
    ['ip("1.2.3.4") is U', 'errors'],
    ['ip("1.2.3.4").contains(1)', 'errors'],
    ['ip("1.2.3.4") like "*"', 'errors'],
    ['ip("1.2.3.4")', 'errors'],
    ['ip("1.2.3.4") && true', 'errors'],
    ['ip()', 'errors'],
    ['ip("a","b")', 'errors'],
    ['ip("1.2.3.4").isLoopback(1)', 'errors'],
  ])('of ip addresses: %s %s', (expression, expected) => {
    expect([outcomeOf(expression), outcomeInCedar(expression)]).toEqual([expected, expected]);
  });

  it.each([
    ['decimal("1.0").isIpv4()', 'errors'],
    ['decimal("1.0") < decimal("2.0")', 'errors'],
    ['decimal("1").lessThan(decimal("2.0"))', 'errors'],
    ['decimal("1.").lessThan(decimal("2.0"))', 'errors'],
    ['decimal(".1").lessThan(decimal("2.0"))', 'errors'],
    ['decimal("-.1").lessThan(decimal("2.0"))', 'errors'],
    ['decimal("+1.0").lessThan(decimal("2.0"))', 'errors'],
    ['decimal("-0.0") == decimal("0.0")', 'holds'],
    ['decimal("-0.5").lessThan(decimal("0.0"))', 'holds'],
    ['decimal("01.0") == decimal("1.0")', 'holds'],
    ['decimal("1.00000") == decimal("1.0")', 'errors'],
    ['decimal("1.0000") == decimal("1.0")', 'holds'],
    ['decimal("922337203685477.5807").greaterThan(decimal("0.0"))', 'holds'],
    ['decimal("922337203685477.5808").greaterThan(decimal("0.0"))', 'errors'],
    ['decimal("922337203685478.0").greaterThan(decimal("0.0"))', 'errors'],
    ['decimal("-922337203685477.5808").lessThan(decimal("0.0"))', 'holds'],
    ['decimal("-922337203685477.5809").lessThan(decimal("0.0"))', 'errors'],
    ['decimal("0000000000000000000000000000001.0") == decimal("1.0")', 'holds'],
    ['decimal("١.0").lessThan(decimal("2.0"))', 'errors'],
    ['decimal("1.1").lessThanOrEqual(decimal("1.10")) && decimal("1.1").greaterThanOrEqual(decimal("1.10"))', 'holds'],
    ['decimal(1).lessThan(decimal("2.0"))', 'errors'],
    ['decimal("1.0\\n").lessThan(decimal("2.0"))', 'errors'],
    ['decimal("1.0").lessThan(1)', 'errors'],
  ])('of decimals: %s %s', (expression, expected) => {
    expect([outcomeOf(expression), outcomeInCedar(expression)]).toEqual([expected, expected]);
  });

  it.each([
    ['datetime("2024-01-01") == datetime("2024-01-01T00:00:00Z")', 'holds'],
    ['datetime("2024-01-01T00:00:00.000Z") == datetime("2024-01-01T00:00:00Z")', 'holds'],
    ['datetime("2024-01-01T00:00:00+0100") == datetime("2023-12-31T23:00:00Z")', 'holds'],
    ['datetime("2024-01-01T00:00:00-0100") == datetime("2024-01-01T01:00:00Z")', 'holds'],
    ['datetime("2024-01-01T00:00:00.000+0530") == datetime("2023-12-31T18:30:00Z")', 'holds'],
    ['datetime("2024-01-01T00:00:00+01:00") < datetime("2025-12-31T23:00:00Z")', 'errors'],
    ['datetime("2024-01-01T00:00:00.1Z") < datetime("2025-12-31T23:00:00Z")', 'errors'],
    ['datetime("2024-01-01T00:00:00.12345Z") < datetime("2025-12-31T23:00:00Z")', 'errors'],
    ['datetime("2024-01-01T00:00:00.123+2359") < datetime("2025-12-31T23:00:00Z")', 'holds'],
    ['datetime("2024-01-01T00:00:00.123+2360") < datetime("2025-12-31T23:00:00Z")', 'errors'],
    ['datetime("2024-01-01T00:00:00.123+2400") < datetime("2025-12-31T23:00:00Z")', 'errors'],
    ['datetime("2024-01-01T00:00:00.123-0000") < datetime("2025-12-31T23:00:00Z")', 'holds'],
    ['datetime("2024-01-01T00:00:00.000+05") < datetime("2025-12-31T18:30:00Z")', 'errors'],
    ['datetime("2024-01-01T00:00:00.000+530") < datetime("2025-12-31T18:30:00Z")', 'errors'],
    ['datetime("2024-01-01T00:00:00.000Z ") < datetime("2025-12-31T18:30:00Z")', 'errors'],
    ['datetime("2024-01-01T00:00:60Z") < datetime("2025-12-31T23:00:00Z")', 'errors'],
    ['datetime("2024-01-01T24:00:00Z") < datetime("2024-01-03")', 'errors'],
    ['datetime("2024-01-01T23:59:59Z") < datetime("2024-01-02")', 'holds'],
    ['datetime("2024-01-01T23:60:59Z") < datetime("2024-01-03")', 'errors'],
    ['datetime("2023-02-29") < datetime("2024-01-02")', 'errors'],
    ['datetime("2024-02-29") < datetime("2024-03-02")', 'holds'],
    ['datetime("1900-02-29") < datetime("2024-03-02")', 'errors'],
    ['datetime("2000-02-29") < datetime("2024-03-02")', 'holds'],
    ['datetime("2024-00-01") < datetime("2024-03-02")', 'errors'],
    ['datetime("2024-13-01") < datetime("2025-03-02")', 'errors'],
    ['datetime("2024-04-31") < datetime("2024-05-02")', 'errors'],
    ['datetime("2024-04-00") < datetime("2024-05-02")', 'errors'],
    ['datetime("0000-01-01") < datetime("2024-05-02")', 'holds'],
    ['datetime("0000-01-01").durationSince(datetime("1970-01-01")).toDays() == -719528', 'holds'],
    ['datetime("0000-02-29") < datetime("2024-05-02")', 'holds'],
    ['datetime("0001-01-01").durationSince(datetime("1970-01-01")).toDays() == -719162', 'holds'],
    ['datetime("0000-01-01T00:00:00+2359") < datetime("2023-12-31T18:30:00Z")', 'holds'],
    ['datetime("9999-12-31T23:59:59.999-2359") > datetime("2024-05-02")', 'holds'],
    ['datetime("10000-01-01") > datetime("2024-05-02")', 'errors'],
    ['datetime("+2024-01-01") > datetime("2023-05-02")', 'errors'],
    ['datetime("2024-1-1") > datetime("2023-05-02")', 'errors'],
    ['datetime("2024-01-01T") > datetime("2023-05-02")', 'errors'],
    ['datetime("2024-01-01T00:00Z") > datetime("2023-05-02")', 'errors'],
    ['datetime("2024-01-01T00:00:00") > datetime("2023-05-02")', 'errors'],
    ['datetime("2024-01-01t00:00:00z") > datetime("2023-05-02")', 'errors'],
    ['datetime("2024-01-01 00:00:00Z") > datetime("2023-05-02")', 'errors'],
    ['datetime("2024-01-01Z") > datetime("2023-05-02")', 'errors'],
    ['datetime(" 2024-01-01") > datetime("2023-05-02")', 'errors'],
    ['datetime("2024-01-01\\n") > datetime("2023-05-02")', 'errors'],
    ['datetime("٢٠٢٤-01-01") > datetime("2023-05-02")', 'errors'],
    ['datetime("") > datetime("2023-05-02")', 'errors'],
    ['datetime(1) > datetime("2023-05-02")', 'errors'],
    ['datetime("2024-01-01").offset(duration("1d")) == datetime("2024-01-02")', 'holds'],
    ['datetime("2024-01-01").offset(duration("-1d")) == datetime("2023-12-31")', 'holds'],
    ['datetime("2024-01-01").offset(duration("9223372036854775807ms")) > datetime("2024-01-01")', 'errors'],
    ['datetime("1970-01-01").offset(duration("9223372036854775807ms")) > datetime("2024-01-01")', 'holds'],
    ['datetime("1970-01-01").offset(duration("-9223372036854775808ms")).toTime() == duration("60480192ms")', 'fails'],
    ['datetime("1970-01-01").offset(duration("-9223372036854775808ms")).toDate() < datetime("1970-01-01")', 'errors'],
    ['datetime("1970-01-01").offset(duration("-9223372036768375808ms")).toDate() < datetime("1970-01-01")', 'holds'],
    ['datetime("1970-01-01").offset(duration("9223372036854775807ms")).toDate() > datetime("1970-01-01")', 'holds'],
    [
      'datetime("1970-01-01").offset(duration("-9223372036854775808ms")).durationSince(datetime("1970-01-02")) < duration("1s")',
      'errors',
    ],
    ['datetime("1969-12-31T23:59:59.999Z").toDate() == datetime("1969-12-31")', 'holds'],
    ['datetime("1969-12-31T23:59:59.999Z").toTime() == duration("23h59m59s999ms")', 'holds'],
    ['datetime("1969-12-31").toDate() == datetime("1969-12-31")', 'holds'],
    ['datetime("1969-12-31").toTime() == duration("0ms")', 'holds'],
    ['datetime("2024-01-01").offset(1) == 1', 'errors'],
    ['datetime("2024-01-01").toMilliseconds() == 1', 'errors'],
    ['datetime("2024-01-01") == duration("1s")', 'fails'],
    ['[datetime("2024-01-01"), datetime("2024-01-01T00:00:00Z")] == [datetime("2024-01-01")]', 'holds'],
    ['{a: duration("1s")} == {a: duration("1000ms")}', 'holds'],
    ['1 < "a"', 'errors'],
    ['"a" < 1', 'errors'],
    ['"a" < context.missing', 'errors'],
    ['context.n < datetime("x")', 'errors'],
    ['datetime("2024-01-01") < context.n', 'errors'],
  ])('of datetimes: %s %s', (expression, expected) => {
    expect([outcomeOf(expression), outcomeInCedar(expression)]).toEqual([expected, expected]);
  });

  it.each([
    ['duration("1d2h3m4s5ms").toMilliseconds() == 93784005', 'holds'],
    ['duration("-1d2h3m4s5ms").toMilliseconds() == -93784005', 'holds'],
    ['duration("1ms1s").toMilliseconds() == 1001', 'errors'],
    ['duration("1s1s").toMilliseconds() == 2000', 'errors'],
    ['duration("").toMilliseconds() == 0', 'errors'],
    ['duration("-").toMilliseconds() == 0', 'errors'],
    ['duration("+1s").toMilliseconds() == 1000', 'errors'],
    ['duration("0d").toMilliseconds() == 0', 'holds'],
    ['duration("-0d").toMilliseconds() == 0', 'holds'],
    ['duration("1d-2h").toMilliseconds() > 0', 'errors'],
    ['duration("1").toMilliseconds() > 0', 'errors'],
    ['duration("1 d").toMilliseconds() > 0', 'errors'],
    ['duration("1D").toMilliseconds() > 0', 'errors'],
    ['duration("1.5h").toMilliseconds() > 0', 'errors'],
    ['duration("1s\\n").toMilliseconds() > 0', 'errors'],
    ['duration("0001s").toMilliseconds() == 1000', 'holds'],
    ['duration("9223372036854775807ms") > duration("0ms")', 'holds'],
    ['duration("9223372036854775808ms") > duration("0ms")', 'errors'],
    ['duration("-9223372036854775808ms") < duration("0ms")', 'holds'],
    ['duration("-9223372036854775809ms") < duration("0ms")', 'errors'],
    ['duration("00000000000000000000000000000000001ms") == duration("1ms")', 'holds'],
    ['duration("18446744073709551616ms") == duration("1ms")', 'errors'],
    ['duration("0d9223372036854775808ms") > duration("0ms")', 'errors'],
    ['duration("-0d9223372036854775808ms") < duration("0ms")', 'holds'],
    ['duration("-1d9223372036768375808ms") == duration("-9223372036854775808ms")', 'holds'],
    ['duration("106751991168d") > duration("0ms")', 'errors'],
    ['duration("106751991167d7h12m55s807ms") == duration("9223372036854775807ms")', 'holds'],
    ['duration("106751991167d7h12m55s808ms") > duration("0ms")', 'errors'],
    ['duration("-106751991167d7h12m55s808ms") == duration("-9223372036854775808ms")', 'holds'],
    ['duration("1m").toMilliseconds() == 60000', 'holds'],
    ['duration("-1500ms").toSeconds() == -1', 'holds'],
    ['duration("-1ms").toSeconds() == 0', 'holds'],
    ['duration("-1ms").toDays() == 0', 'holds'],
    ['duration("25h").toDays() == 1 && duration("90m").toHours() == 1 && duration("61s").toMinutes() == 1', 'holds'],
    ['duration("1s") == duration("1000ms")', 'holds'],
    ['duration("1s") == 1000', 'fails'],
    ['duration("1s") < 1000', 'errors'],
    ['duration("1s") < datetime("2024-01-01")', 'errors'],
    ['1000 < duration("1s")', 'errors'],
    ['duration("1s") <= duration("1s") && duration("1s") >= duration("1s")', 'holds'],
    ['duration("1s") + duration("1s") == duration("2s")', 'errors'],
    ['-duration("1s") == duration("-1s")', 'errors'],
    ['duration("1s") * 2 == duration("2s")', 'errors'],
    ['duration("1s").toTime() == 1', 'errors'],
  ])('of durations: %s %s', (expression, expected) => {
    expect([outcomeOf(expression), outcomeInCedar(expression)]).toEqual([expected, expected]);
  });

  it.each([
    ['principal.hasTag("a")', 'holds'],
    ['principal.hasTag("b")', 'fails'],
    ['principal.hasTag("")', 'holds'],
    ['principal.getTag("a") == 1', 'holds'],
    ['principal.getTag("b") == 1', 'errors'],
    ['resource.hasTag("a")', 'fails'],
    ['resource.getTag("a") == 1', 'errors'],
    ['principal.hasTag(context.n)', 'errors'],
    ['resource.hasTag(context.n)', 'errors'],
    ['resource.getTag(context.n)', 'errors'],
    ['context.hasTag("a")', 'errors'],
    ['context.n.hasTag("a")', 'errors'],
    ['context.hasTag(context.n)', 'errors'],
    ['context.getTag("a")', 'errors'],
    ['principal.hasTag(context.missing)', 'errors'],
    ['context.missing.hasTag(context.n)', 'errors'],
  ])('of tags: %s %s', (expression, expected) => {
    expect([outcomeOf(expression), outcomeInCedar(expression)]).toEqual([expected, expected]);
  });
});

describe('text that a request chose', () => {
  const text = (characters: number, rest: string) => `${'0'.repeat(characters - rest.length)}${rest}`;

  it.each([
    ['duration', 'duration(context.s) == duration("1ms")', 256, '1ms'],
    ['decimal', 'decimal(context.s) == decimal("1.0")', 64, '1.0'],
  ])('is read as a %s to its limit, and is an error beyond it', (_type, expression, charactersMax, rest) => {
    const decided = (characters: number) =>
      decide(setOf(expression), { ...request, context: { s: text(characters, rest) } });
    expect(decided(charactersMax).effect).toBe('permit');
    expect(decided(charactersMax + 1)).toMatchObject({ effect: 'forbid', errors: [{ id: 'p', message: TOO_LONG }] });
  });

  it.each(['duration', 'decimal', 'datetime', 'ip'])(
    'is refused by its length before any pattern reads it: %s',
    (type) => {
      const long = { ...request, context: { s: '0'.repeat(60_000) } };
      expect(decide(setOf(`${type}(context.s) == context.s`), long).errors).toEqual([{ id: 'p', message: TOO_LONG }]);
    },
  );
});

describe('a near miss', () => {
  it.each([
    ['ip', '10.0.0.0/8', '10.0.0.0/8'],
    ['ip', '1::ab', '1:0:0:0:0:0:0:ab'],
    ['decimal', '-0.5', '-0.5000'],
    ['datetime', '2024-01-01T01:00:00+0100', '2024-01-01T00:00:00.000Z'],
    ['duration', '-1m', '-60000ms'],
  ])('shows the value of %s("%s") as %s', (fn, arg, text) => {
    const principal: Entity = { uid: request.principal, attrs: { value: { __extn: { fn, arg } } }, parents: [] };
    const bundle = bundleOf({ p: 'permit (principal, action, resource) when { principal.value == 1 };' });
    const { near } = decide(compilePolicies(bundle, [principal]), request);
    expect(near[0]?.values).toEqual({ 'principal.value': text });
  });
});
