import { OWN_DETECTORS, type Detector, type Json } from '#writ/contracts';
import { compileRedaction } from './index.js';
import { DISGUISED, HARD_NEGATIVES, POSITIVES } from './redaction.fixture.js';

function redact(value: Json, detectors: readonly Detector[] = OWN_DETECTORS): Json {
  const redactor = compileRedaction([{ type: 'redact', target: 'output', detectors: [...detectors] }], 'output');
  return redactor?.redact(value).value ?? null;
}

describe('the detectors', () => {
  it.each(POSITIVES)('find $kind in $text', ({ kind, text, secret }) => {
    const [before = '', after = ''] = text.split(secret);
    expect(redact(text, [kind])).toBe(`${before}[redacted:${kind}]${after}`);
  });

  it.each(DISGUISED)('find $kind $as', ({ kind, text, secret }) => {
    const [before = '', after = ''] = text.split(secret);
    expect(redact(text)).toBe(`${before}[redacted:${kind}]${after}`);
  });

  it('leave nothing of a secret when all of them run together', () => {
    const leaks = POSITIVES.filter(({ text, secret }) => String(redact(text)).includes(secret));
    expect(leaks).toEqual([]);
  });

  it.each(HARD_NEGATIVES)('leave %j as it is', (text) => {
    expect(redact(text)).toBe(text);
  });

  it('find every kind that the contract names', () => {
    expect(new Set(POSITIVES.map(({ kind }) => kind))).toEqual(new Set(OWN_DETECTORS));
    expect(POSITIVES.length).toBeGreaterThanOrEqual(60);
    expect(HARD_NEGATIVES.length).toBeGreaterThanOrEqual(40);
  });

  it('give the same text when they run again over what they made', () => {
    const once = redact(POSITIVES.map(({ text }) => text));
    expect(redact(once)).toEqual(once);
  });
});

describe('the time of a scan', () => {
  /** Opens the gate of every rule, so that every pattern runs over the whole text. */
  const GATES =
    '@ %40 :// pass pwd secret api key token bearer basic call ssn +1 012 1.1 123-4567 0000 AB12 4000000000000 ' +
    'eyJ ghp_ github_pat_ xox xapp- hooks.slack.com AKIA sk- PRIVATE KEY -p -U curl -u sig= name=pass login htpasswd pass> :: a=1+1\n';
  const repeat = (unit: string): string => unit.repeat(Math.ceil(32_768 / unit.length)).slice(0, 32_768);

  it.each<[string, string]>([
    ['at signs', 'a@'],
    ['blanks', ' '],
    ['digits with hyphens', '4-5-'],
    ['digits with blanks', '1 '],
    ['digits', '1'],
    ['one letter', 'a'],
    ['dotted labels', 'a.'],
    ['an address without an end', 'a@a.a.a.a.a.a.a.a.1.'],
    ['dotted numbers', '1.1.'],
    ['half a token', 'eyJ'],
    ['tokens without an end', 'eyJaaaaaaaa.eyJaaaaaaaa-'],
    ['key headers', '-----BEGIN RSA PRIVATE KEY-----'],
    ['half key headers', '-----BEGIN A '],
    ['words of secrets', 'password api key secret token '],
    ['assignments', 'password = '],
    ['plus signs', '+1'],
    ['country codes', 'DE89 '],
    ['half addresses of services', '://a:'],
    ['phones', 'call me at 1 (1'],
    ['disguised letters', '\u0430\u200b'],
    ['escapes of a URL', '%41%2541'],
    ['references of HTML', '&#64;&commat;'],
    ['escapes of JSON', '\\u0041'],
    ['base64', 'cGFzc3dvcmQ6'],
    ['base64 that says base64', Buffer.from('cGFzc3dvcmQ6IGh1bnRlcjI='.repeat(3)).toString('base64')],
    ['base64 in lines', 'cGFzc3dvcmQ6aHVu\n'],
    ['hexadecimal', '70617373'],
    ['commands', 'curl a '],
    ['options', 'mysql -p '],
    ['names of keys', 'api_token '],
    ['credentials to come', 'password was to '],
    ['colons', 'a:1:'],
    ['short words', 'ab '],
    ['one blank after another', 'a  '],
  ])('stays linear on %s', (_case, unit) => {
    const text = GATES + repeat(unit);
    redact(text.slice(0, 512));
    const before = process.cpuUsage();
    redact(text);
    const { user } = process.cpuUsage(before);
    expect(user / 1_000).toBeLessThan(200);
  });
});
