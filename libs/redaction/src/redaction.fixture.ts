import type { Detector } from '#writ/contracts';

/** Joins what would look like a real secret to a scanner of this repository. None of these is, or was, in use. */
const j = (...parts: readonly string[]): string => parts.join('');

const A36 = 'aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1eF3hI5';
const KEY_BODY = 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7\nVJTUt9Us8cKj';

export interface Positive {
  readonly kind: Detector;
  readonly text: string;
  /** What may not be left. */
  readonly secret: string;
}

const positive = (kind: Detector, before: string, secret: string, after = ''): Positive => ({
  kind,
  text: before + secret + after,
  secret,
});

/** A regression fixture: it was written by the same hand as the rules, so it says nothing about the field. */
export const POSITIVES: readonly Positive[] = [
  positive('email', 'Write to ', 'ada.lovelace@example.com', ', please.'),
  positive('email', '<', 'bob+invoices@mail.example.co.uk', '>'),
  positive('email', 'mailto:', 'o_neil-99@example.museum'),
  positive('email', '?to=', 'ada%40example.org'.replace('%40', '@'), '&x=1'),
  positive('email', '?to=', 'ada%40example.org', '&x=1'),
  positive('email', 'Post: ', 'j\u00fcrgen@b\u00fccher.example', '.'),
  positive('email', 'IDN ', 'info@xn--bcher-kva.xn--p1ai'),
  positive('phone', 'Call ', '+1 (415) 555-2671', ' today'),
  positive('phone', '', '+49 30 901820'),
  positive('phone', 'T: ', '+442079460958', ','),
  positive('phone', 'Office ', '(415) 555-2671', '.'),
  positive('phone', 'Office ', '415-555-2671'),
  positive('phone', 'Office ', '415.555.2671', ' ext 4'),
  positive('phone', 'London: ', '020 7946 0958'),
  positive('phone', 'phone: ', '5552671'),
  positive('phone', 'celular: ', '5552671'),
  positive('card', 'Visa ', '4111 1111 1111 1111', ' exp 12/29'),
  positive('card', 'Visa ', '4111111111111111'),
  positive('card', 'MC ', '5555-5555-5555-4444'),
  positive('card', 'Amex ', '3782 822463 10005'),
  positive('card', 'Discover ', '6011111111111117', '.'),
  positive('card', 'card ', '4012888888881881', ' 123'),
  positive(
    'card',
    'wide ',
    '\uff14\uff11\uff11\uff11 \uff11\uff11\uff11\uff11 \uff11\uff11\uff11\uff11 \uff11\uff11\uff11\uff11',
  ),
  positive(
    'card',
    'Arabic digits ',
    '\u0664\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661\u0661',
  ),
  positive('card', 'zero width ', '4111\u200b1111\u200b1111\u200b1111'),
  positive('iban', 'Pay ', 'DE89 3704 0044 0532 0130 00', ' and say why'),
  positive('iban', 'Pay ', 'DE89370400440532013000'),
  positive('iban', '', 'GB29 NWBK 6016 1331 9268 19', '.'),
  positive('iban', 'iban=', 'FR1420041010050500013M02606', '&x'),
  positive('iban', 'lower ', 'ch93 0076 2011 6238 5295 7'),
  positive('ssn', 'SSN ', '536-22-8726', '.'),
  positive('ssn', '', '536 22 8726'),
  positive('ssn', 'ssn: ', '536228726'),
  positive('ssn', 'Social security number is ', '536228726'),
  positive('ssn', 'dashes ', '536\u201322\u20138726'),
  positive('ipv4', 'from ', '192.168.10.42', ' at noon'),
  positive('ipv4', 'http://', '8.8.8.8', ':53/'),
  positive('ipv4', 'net ', '10.20.30.40', '/24.'),
  positive('ipv6', 'from ', '2001:db8::8a2e:370:7334', ', port 443'),
  positive('ipv6', 'http://[', '2001:db8:0:0:1::1', ']:8080/'),
  positive('ipv6', 'mapped ', '::ffff:192.0.2.128'),
  positive('aws-key', 'id ', j('AKIA', 'IOSFODNN7EXAMPLE')),
  positive('aws-key', 'id=', j('ASIA', 'IOSFODNN7EXAMPLE'), ';'),
  positive('aws-key', 'aws_secret_access_key = ', j('wJalrXUtnFEMI/K7MDENG/', 'bPxRfiCYEXAMPLEKEY')),
  positive('aws-key', '"SecretAccessKey": "', j('wJalrXUtnFEMI/K7MDENG/', 'bPxRfiCYEXAMPLEKEY'), '"'),
  positive('github-token', 'token ', j('ghp_', A36)),
  positive('github-token', '', j('ghs_', A36), '.'),
  positive('github-token', 'https://', j('gho_', A36), '@github.example'),
  positive('github-token', 'pat ', j('github_pat_', '11ABCDEFG0abcdefghijkl_', A36)),
  positive('slack-token', '', j('xoxb-', '123456789012-1234567890123-', 'AbCdEfGhIjKlMnOp')),
  positive('slack-token', 'app ', j('xapp-', '1-A0123456-987654321-abcdef0123456789')),
  positive(
    'slack-token',
    'post to ',
    j('https://hooks.slack.com/', 'services/T00000000/B00000000/', 'XXXXyyyyZZZZ0000'),
  ),
  positive(
    'jwt',
    'Authorization: Bearer ',
    j('eyJhbGciOiJIUzI1NiJ9', '.eyJzdWIiOiIxMjM0NTY3ODkwIn0', '.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P'),
  ),
  positive('jwt', '?t=', j('eyJhbGciOiJub25lIn0', '.eyJzdWIiOiJhZG1pbiJ9', '.')),
  positive('jwt', 'Bearer%20', j('eyJhbGciOiJIUzI1NiJ9', '.eyJzdWIiOiIxIn0', '.abcdefgh')),
  positive(
    'private-key',
    'key: ',
    j('-----BEGIN PRIVATE', ' KEY-----\n', KEY_BODY, '\n-----END PRIVATE KEY-----'),
    '\nend',
  ),
  positive('private-key', '', j('-----BEGIN RSA PRIVATE', ' KEY-----\n', KEY_BODY, '\n-----END RSA PRIVATE KEY-----')),
  positive('private-key', 'cut off ', j('-----BEGIN OPENSSH PRIVATE', ' KEY-----\n', KEY_BODY)),
  positive('api-key', 'use ', j('sk-', 'proj-abcdefghijklmnopqrstuvwxyz0123')),
  positive('api-key', 'use ', j('sk_', 'live_', '4eC39HqLyjWDarjtT1zdp7dc')),
  positive('api-key', 'maps ', j('AIza', 'SyA1234567890abcdefghijklmnopqrstuv')),
  positive('api-key', 'api_key=', 'f3b1c2d4e5a697880912', '&x=1'),
  positive('api-key', '"client_secret": "', 'Q2xpZW50U2VjcmV0MTIz', '"'),
  positive('api-key', 'disguised \u0430pi key: ', 'f3b1c2d4e5a697880912'),
  positive('password', 'password: ', 'hunter2'),
  positive('password', 'DB_PASSWORD="', 'correct-horse', '"'),
  positive('password', 'My password is ', 'Tr0ub4dor&3'),
  positive('password', 'postgres://app:', 's3cr3t-pw', '@db.example/app'),
  positive('password', '?user=a&pwd=', 'letmein!', '&x=1'),
];

/** Secrets that do not show as such: what is taken out is the whole of `secret`. */
export const DISGUISED: readonly (Positive & { readonly as: string })[] = [
  { as: 'in a URL', ...positive('email', 'https://a.example/?to=', 'ada%40example.com', '&x=1') },
  { as: 'in a URL, every character', ...positive('password', 'pass%77ord%3D', '%68unter2%21') },
  {
    as: 'in a URL in a URL',
    ...positive('card', '?next=%252Fpay%253Fcard%253D', '4111%25201111%25201111%25201111', '&y'),
  },
  { as: 'with blanks of a form', ...positive('card', 'name=ada&card=', '4111+1111+1111+1111', '&cvc=1') },
  { as: 'with references of HTML', ...positive('email', 'Mail <b>', 'ada&#64;example&period;com', '</b>') },
  {
    as: 'with references of HTML, in hexadecimal',
    ...positive('iban', 'IBAN&#x3a;&nbsp;', 'DE89&nbsp;3704&nbsp;0044&nbsp;0532&nbsp;0130&nbsp;00'),
  },
  { as: 'with escapes of JSON', ...positive('email', '{"to":"', 'ada\\u0040example.com', '"}') },
  { as: 'with escapes of code', ...positive('github-token', 'print("', j('\\x67hp_', A36), '")') },
  { as: 'in base64', ...positive('aws-key', 'data: ', base64(`id ${j('AKIA', 'IOSFODNN7EXAMPLE')} of ada`), ' end') },
  {
    as: 'in base64 behind a path',
    ...positive('email', 'get ', `cache/${base64('write to ada.lovelace@example.com')}`),
  },
  {
    as: 'in base64url',
    ...positive('password', 'x=', Buffer.from('password: hunter2???>>>').toString('base64url'), '.'),
  },
  {
    as: 'in base64 in lines',
    ...positive('card', '', base64('The card is 4111 1111 1111 1111, and it is valid.').replace(/.{40}/g, '$&\n')),
  },
  { as: 'in base64 in base64', ...positive('ssn', 'q ', base64(base64('the number is 536-22-8726 of course'))) },
  { as: 'in hexadecimal', ...positive('email', 'hex ', Buffer.from('to ada@example.com').toString('hex'), ';') },
];

function base64(text: string): string {
  return Buffer.from(text).toString('base64').replace(/=+$/, '');
}

/** What looks like a secret and is none. */
export const HARD_NEGATIVES: readonly string[] = [
  'version 10.4.2.1 is out',
  '10.4.2.1-beta',
  'release 3.2.1.4 fixes it',
  'see section 1.2.3.4 below',
  'v1.2.3.4',
  'oid 1.3.6.1.4.1.311',
  '999.300.1.2',
  '1.2.3.4.5',
  '100-200-3000',
  'ISBN 978-3-16-148410-0',
  'order 4111111111111112',
  'tracking 1234 5678 9012 3456',
  'sum 0000000000000000',
  'fraction 0.4111111111111111',
  'DE00 3704 0044 0532 0130 00',
  'XX89 3704 0044 0532 0130 00',
  'GB29 NWBK 6016 1331 9268 18',
  '000-12-3456',
  '666-12-3456',
  '900-12-3456',
  '123-00-4567',
  '123-45-0000',
  'part 12-345-6789',
  'date 2026-11-22 10:30:00',
  'the 20-22-2026 meeting',
  'name@',
  '@handle on chat',
  'pkg@1.2.3',
  'git@host without a domain',
  'size 3@2x.5',
  'password: required',
  'Password: must have 12 characters',
  'password = ********',
  'password: <your password>',
  'password=${DB_PASSWORD}',
  'the password is wrong',
  'compass: north',
  'api_key=YOUR_API_KEY_HERE_PLEASE',
  'api key: xxxxxxxxxxxxxxxxxxxx',
  'the token is stored in the vault',
  'skip-this-and-that-and-the-other',
  'AKIA is a prefix',
  'eyJ is how a token begins',
  'the PRIVATE KEY stays private',
  'uuid 123e4567-e89b-12d3-a456-426614174000',
  'sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  'call 911',
  'epoch 1763805600000',
  'at 10:30:00 and 2026-11-22T10:30:00Z',
  'std::vector and a::b and C::D::E',
  'mac 00:1a:2b:3c:4d:5e',
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  `harmless ${base64('The quick brown fox jumps over the lazy dog, as always.')}`,
  '100%25 of 5 &lt; 6 &amp;&amp; a+b=c',
  'https://user@example.com:8443/x'.replace('user@', ''),
  '[redacted:email] and [redacted:password]',
];
