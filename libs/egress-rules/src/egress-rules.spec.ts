import { Fault } from '#writ/faults';
import * as fc from 'fast-check';
import {
  assertInternal,
  assertPublic,
  checkRequestHeaders,
  classifyAddress,
  type DestinationRule,
  internalOrigins,
  matchDestination,
  parseDestination,
} from './index.js';

const rule = (origin: string, changes: Partial<DestinationRule> = {}): DestinationRule => ({
  origin,
  methods: ['GET'],
  paths: ['/'],
  internal: false,
  ...changes,
});

/** The stable code at the beginning of a fault's message, or `allow`. */
function verdict(work: () => unknown): string {
  try {
    work();
    return 'allow';
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown;
    return /^`([^`]+)`/.exec(thrown.message)?.[1] ?? thrown.message;
  }
}

describe('parseDestination', () => {
  it.each([
    ['https://api.example.com/v1', 'allow'],
    ['https://API.EXAMPLE.COM/v1', 'allow'],
    ['HTTPS://api.example.com/v1', 'allow'],
    ['https://evil.com#@api.example.com/', 'allow'],
    ['https://api.example.com:/', 'allow'],
    ['https://api.example.com:443/', 'allow'],
    ['https://xn--pi-7kc.example.com/', 'allow'],
    ['https://api.example.com?q=http://127.0.0.1/', 'allow'],
    ['https://api.example.com/caf%c3%a9', 'allow'],
    ['https://api.example.com/a;v=1/b', 'allow'],
    ['http://127.0.0.1/', 'host.ip_literal'],
    ['http://2130706433/', 'url.host_not_canonical'],
    ['http://0x7f000001/', 'url.host_not_canonical'],
    ['http://0X7F.1/', 'url.host_not_canonical'],
    ['http://0177.0.0.1/', 'url.host_not_canonical'],
    ['http://127.1/', 'url.host_not_canonical'],
    ['http://127.000.000.001/', 'url.host_not_canonical'],
    ['http://127.0.0.1./', 'url.host_not_canonical'],
    ['http://0/', 'url.host_not_canonical'],
    ['http://256.256.256.256/', 'url.invalid'],
    ['http://[::1]/', 'host.ip_literal'],
    ['http://[0:0:0:0:0:0:0:1]/', 'url.host_not_canonical'],
    ['http://[::ffff:7f00:1]/', 'host.ip_literal'],
    ['http://[::127.0.0.1]/', 'url.host_not_canonical'],
    ['http://[::ffff:0:169.254.169.254]/', 'url.host_not_canonical'],
    ['http://[64:ff9b::7f00:1]/', 'host.ip_literal'],
    ['http://[fe80::1%25eth0]/', 'url.percent_in_authority'],
    ['http://localhost/', 'host.syntax'],
    ['http://localhost:5000/', 'host.syntax'],
    ['http://LOCALHOST./', 'url.trailing_dot'],
    ['https://api.example.com./', 'url.trailing_dot'],
    ['http://\uff11\uff12\uff17.0.0.1/', 'url.non_ascii_host'],
    ['http://127\u30020\u30020\u30021/', 'url.non_ascii_host'],
    ['http://127\u00ad.0.0.1/', 'url.non_ascii_host'],
    ['https://\u0430pi.example.com/', 'url.non_ascii_host'],
    ['http://%31%32%37.0.0.1/', 'url.percent_in_authority'],
    ['http://api.example.com%00.evil.com/', 'url.percent_in_authority'],
    ['https://api.example.com@evil.com/', 'url.userinfo'],
    ['https://@evil.com/', 'url.userinfo'],
    ['https://api.example.com\\@evil.com/', 'url.control_or_backslash'],
    ['https://ev\til.com/', 'url.control_or_backslash'],
    ['https://evil.com\r\nX: y', 'url.control_or_backslash'],
    [' https://api.example.com/', 'url.control_or_backslash'],
    ['https://api.example.com/\u2028', 'url.control_or_backslash'],
    ['https://api.example.com/\ud800', 'url.control_or_backslash'],
    ['https:evil.com', 'url.not_absolute_http'],
    ['https:/evil.com', 'url.not_absolute_http'],
    ['https:///evil.com/', 'url.host_not_canonical'],
    ['//evil.com/', 'url.not_absolute_http'],
    ['file:///etc/passwd', 'url.not_absolute_http'],
    ['ws://api.example.com/', 'url.not_absolute_http'],
    ['jar:https://api.example.com!/', 'url.not_absolute_http'],
    ['', 'url.not_absolute_http'],
    ['https://[api.example.com]/', 'url.invalid'],
    ['https://api.example.com:99999/', 'url.invalid'],
    ['https://api.example.com:0x50/', 'url.invalid'],
    ['https://a_b.example.com/', 'host.syntax'],
    ['https://-a.example.com/', 'host.syntax'],
    ['https://a..example.com/', 'host.syntax'],
    ['https://example/', 'host.syntax'],
    [`https://${'a'.repeat(64)}.example.com/`, 'host.syntax'],
    [`https://api.example.com/${'a'.repeat(3000)}`, 'url.too_long'],
    ['https://api.example.com/v1/../admin', 'path.not_canonical'],
    ['https://api.example.com/v1/%2e%2e/admin', 'path.not_canonical'],
    ['https://api.example.com/v1/.%2E/admin', 'path.not_canonical'],
    ['https://api.example.com/v1/..;/admin', 'path.not_canonical'],
    ['https://api.example.com/v1/..%3Bx/admin', 'path.not_canonical'],
    ['https://api.example.com/v1%2fadmin', 'path.not_canonical'],
    ['https://api.example.com/v1%5Cadmin', 'path.not_canonical'],
    ['https://api.example.com/v1%252fadmin', 'path.not_canonical'],
    ['https://api.example.com/v1/%61dmin', 'path.not_canonical'],
    ['https://api.example.com/v1//admin', 'path.not_canonical'],
    ['https://api.example.com/v1/%00', 'path.not_canonical'],
    ['https://api.example.com/v1/%zz', 'path.not_canonical'],
  ])('EGRESS-06, EGRESS-14: judges %j: %s', (url, expected) => {
    expect(verdict(() => parseDestination(url))).toBe(expected);
  });

  it('says what will be dialled, in one spelling', () => {
    expect(parseDestination('HTTPS://API.example.com:443/caf%c3%a9?q=%2e#top')).toEqual({
      url: 'https://api.example.com/caf%C3%A9?q=%2e',
      scheme: 'https',
      host: 'api.example.com',
      port: 443,
      origin: 'https://api.example.com',
      path: '/caf%C3%A9',
      query: '?q=%2e',
    });
    expect(parseDestination('http://api.example.com:8080')).toMatchObject({ port: 8080, path: '/', query: '' });
  });

  it('lets an address, localhost or a single label through only when it is a declared internal origin', () => {
    const declared = internalOrigins({
      loopback: rule('http://127.0.0.1:8080', { internal: true }),
      local: rule('http://localhost:80', { internal: true }),
      v6: rule('http://[::1]:8080', { internal: true }),
      public: rule('http://10.0.0.1'),
    });
    const parse = (url: string): string => verdict(() => parseDestination(url, { internalOrigins: declared }));
    expect(parse('http://127.0.0.1:8080/x')).toBe('allow');
    expect(parse('http://localhost/x')).toBe('allow');
    expect(parse('http://[::1]:8080/x')).toBe('allow');
    expect(parse('http://127.0.0.1:8081/x')).toBe('host.ip_literal');
    expect(parse('https://localhost/x')).toBe('host.syntax');
    expect(parse('http://10.0.0.1/')).toBe('host.ip_literal');
    expect(parse('http://2130706433:8080/x')).toBe('url.host_not_canonical');
    expect(parse('http://127.0.0.1:8080\\@evil.com/')).toBe('url.control_or_backslash');
  });

  it('gives for every text either a canonical URL, which parses to itself, or a refusal', () => {
    const piece = fc.constantFrom(
      'http',
      's://',
      '://',
      '//',
      'api.example.com',
      '127.1',
      '@',
      '#',
      '?',
      ':',
      '%2e',
      '..',
      '/',
      '[',
      ']',
      'a',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.webUrl({ withQueryParameters: true }),
          fc.array(piece).map((parts) => parts.join('')),
          fc.string(),
        ),
        (text) => {
          let parsed;
          try {
            parsed = parseDestination(text);
          } catch (thrown) {
            expect(thrown).toMatchObject({ code: 'INPUT_URL_REFUSED' });
            return;
          }
          expect(parseDestination(parsed.url)).toEqual(parsed);
          expect(new URL(parsed.url).href).toBe(parsed.url);
        },
      ),
    );
  });
});

describe('matchDestination', () => {
  const destinations = {
    crm: rule('https://api.example.com', { methods: ['GET', 'POST'], paths: ['/v1', '/status'] }),
    admin: rule('https://api.example.com', { paths: ['/v1/admin/'] }),
    other: rule('https://api.example.com:8443'),
  };
  const match = (url: string, method = 'GET'): string => matchDestination(parseDestination(url), method, destinations);

  it('names the destination with the longest path that covers the request', () => {
    expect(match('https://api.example.com/v1')).toBe('crm');
    expect(match('https://api.example.com/v1/x?y=1', 'POST')).toBe('crm');
    expect(match('https://api.example.com/v1/admin/users')).toBe('admin');
    expect(match('https://api.example.com/v1/admin', 'GET')).toBe('crm');
    expect(match('https://api.example.com:8443/')).toBe('other');
  });

  it.each([
    ['https://api.example.com.evil.com/v1', 'GET', 'host.not_allowed'],
    ['https://sub.api.example.com/v1', 'GET', 'host.not_allowed'],
    ['https://evilapi.example.com/v1', 'GET', 'host.not_allowed'],
    ['http://api.example.com/v1', 'GET', 'scheme.plaintext'],
    ['https://api.example.com:22/v1', 'GET', 'port'],
    ['https://api.example.com/v10', 'GET', 'path.not_allowed'],
    ['https://api.example.com/', 'GET', 'path.not_allowed'],
    ['https://api.example.com/V1', 'GET', 'path.not_allowed'],
    ['https://api.example.com/v1', 'DELETE', 'method.not_allowed'],
    ['https://api.example.com/v1', 'get', 'method.not_allowed'],
  ])('EGRESS-08: covers %s %s by none, because of %s', (url, method, code) => {
    expect(verdict(() => match(url, method))).toBe(code);
    expect(() => match(url, method)).toThrow(expect.objectContaining({ code: 'INPUT_UNKNOWN_DESTINATION' }));
  });
});

describe('classifyAddress', () => {
  it.each([
    ['93.184.215.14', 'public'],
    ['2606:2800:21f:cb07:6820:80da:af6b:8b2c', 'public'],
    ['127.0.0.1', 'loopback'],
    ['127.255.255.254', 'loopback'],
    ['::1', 'loopback'],
    ['10.0.0.1', 'private'],
    ['172.31.255.255', 'private'],
    ['192.168.0.1', 'private'],
    ['fd12::1', 'private'],
    ['fec0::1', 'private'],
    ['169.254.169.254', 'linkLocal'],
    ['169.254.170.2', 'linkLocal'],
    ['fe80::1', 'linkLocal'],
    ['100.64.0.1', 'carrierGradeNat'],
    ['100.100.100.200', 'metadata'],
    ['168.63.129.16', 'metadata'],
    ['192.0.0.192', 'metadata'],
    ['fd00:ec2::254', 'metadata'],
    ['224.0.0.1', 'multicast'],
    ['ff02::1', 'multicast'],
    ['255.255.255.255', 'broadcast'],
    ['0.0.0.0', 'unspecified'],
    ['0.1.2.3', 'unspecified'],
    ['::', 'unspecified'],
    ['192.0.0.8', 'reserved'],
    ['192.0.2.1', 'reserved'],
    ['198.18.0.1', 'reserved'],
    ['198.51.100.1', 'reserved'],
    ['203.0.113.1', 'reserved'],
    ['192.88.99.1', 'reserved'],
    ['240.0.0.1', 'reserved'],
    ['100::1', 'reserved'],
    ['2001:db8::1', 'reserved'],
    ['2001:2::1', 'reserved'],
    ['2001:10::1', 'reserved'],
    ['2001:20::1', 'reserved'],
    ['3fff::1', 'reserved'],
    ['5f00::1', 'reserved'],
    ['64:ff9b::7f00:1', 'translated'],
    ['64:ff9b:1::1', 'translated'],
    ['2002:7f00:1::', 'translated'],
    ['2001:0:7f00:1::', 'translated'],
    ['::ffff:0:7f00:1', 'translated'],
    ['::7f00:1', 'translated'],
    ['::ffff:127.0.0.1', 'mapped-private'],
    ['::ffff:93.184.215.14', 'mapped-public'],
    ['fe80::1%eth0', 'invalid'],
    ['127.1', 'invalid'],
    ['0x7f.0.0.1', 'invalid'],
    ['example.com', 'invalid'],
    ['', 'invalid'],
  ])('puts %s among %s', (ip, kind) => {
    expect(classifyAddress(ip)).toBe(kind);
  });

  it('is asked for every address: one that is not public spoils the answer, and none is no answer', () => {
    expect(verdict(() => assertPublic(['93.184.215.14', '1.1.1.1']))).toBe('allow');
    expect(verdict(() => assertPublic(['93.184.215.14', '127.0.0.1']))).toBe('ip.loopback');
    expect(verdict(() => assertPublic([]))).toBe('dns.empty');
    expect(verdict(() => assertInternal(['10.0.0.1', '::1', '100.64.0.1', '93.184.215.14']))).toBe('allow');
    expect(verdict(() => assertInternal(['10.0.0.1', '169.254.169.254']))).toBe('ip.linkLocal');
    expect(verdict(() => assertInternal(['::ffff:10.0.0.1']))).toBe('ip.mapped-private');
    expect(verdict(() => assertInternal([]))).toBe('dns.empty');
  });
});

describe('checkRequestHeaders', () => {
  it('returns what may be sent with lower-case names', () => {
    const headers = { Accept: 'application/json', 'X-Request-Id': ' 1 ', Authorization: 'Bearer mine', Cookie: 'a=1' };
    expect(checkRequestHeaders(headers)).toEqual({
      accept: 'application/json',
      'x-request-id': '1',
      authorization: 'Bearer mine',
      cookie: 'a=1',
    });
  });

  it.each([
    'Host',
    'TE',
    'Trailer',
    'Transfer-Encoding',
    'Content-Length',
    'Connection',
    'Keep-Alive',
    'Expect',
    'Upgrade',
    'Proxy-Authorization',
    'Proxy-Connection',
    'Accept-Encoding',
    'X-Forwarded-For',
    'X-HTTP-Method-Override',
    'X-Original-URL',
    'Metadata-Flavor',
    'X-aws-ec2-metadata-token',
  ])('refuses %s', (name) => {
    expect(() => checkRequestHeaders({ [name]: 'x' })).toThrow(expect.objectContaining({ code: 'INPUT_INVALID' }));
  });

  it.each<[string, Record<string, string>]>([
    ['a line break', { a: 'b\r\nc: d' }],
    ['a NUL', { a: 'b\0' }],
    ['a letter outside ASCII', { a: '\u010a' }],
    ['a name with a blank', { 'a b': 'c' }],
    ['a name with a line break', { 'a\r\nhost': 'c' }],
    ['an empty name', { '': 'c' }],
    ['the same name twice', { a: '1', A: '2' }],
    ['too many headers', Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`h${i}`, 'x']))],
    ['too many bytes', { a: 'x'.repeat(8_192) }],
  ])('refuses %s', (_case, headers) => {
    expect(() => checkRequestHeaders(headers)).toThrow(expect.objectContaining({ code: 'INPUT_INVALID' }));
  });

  it('leaves authentication to the credential when one is injected', () => {
    for (const name of ['Authorization', 'Cookie', 'X-Api-Key']) {
      expect(() => checkRequestHeaders({ [name]: 'x' }, { credentialHeaders: ['x-api-key'] })).toThrow(Fault);
    }
  });
});
