import type { Json } from '#writ/contracts';
import { compileRedaction, readRuleFile } from './index.js';

const FILE = `
title = "rules of a company"

[[allowlists]]
regexes = ['''^EXAMPLE''']

[[rules]]
id = "badge"
description = "badge of a member of staff"
regex = '''\\bBDG-(\\d{6})\\b'''
keywords = ["bdg-"]

[[rules]]
id = "internal-token"
regex = '''(?i)token\\s*=\\s*"?([a-z0-9]{8,40})"?'''
secretGroup = 1
entropy = 3.0
keywords = ["token"]
  [[rules.allowlists]]
  stopwords = ["sample"]
  [[rules.allowlists]]
  regexTarget = "line"
  regexes = ['''# not a secret$''']

[[rules]]
id = "code-name"
regex = '''project falcon'''

[[rules]]
id = "key-files"
path = '''\\.pem$'''
`;

function left(value: Json, file = FILE): Json | undefined {
  const rules = readRuleFile(file, 'rules.toml');
  const obligation = { type: 'redact' as const, target: 'output' as const, detectors: ['rule-file' as const] };
  return compileRedaction([obligation], 'output', { rules })?.redact(value).value;
}
const GONE = '[redacted:rule-file]';

describe('the rules of a file', () => {
  it.each<[string, Json, Json]>([
    ['the first group of a pattern that names none', 'badge BDG-204411.', `badge BDG-${GONE}.`],
    ['the group that it names', 'token = "k3yz9fq27xw1"', `token = "${GONE}"`],
    ['the whole where there is no group', 'about Project falcon? project falcon!', `about Project falcon? ${GONE}!`],
    ['several in one text', 'BDG-204411 BDG-204412', `BDG-${GONE} BDG-${GONE}`],
    ['what stands in disguise', 'badge ＢＤＧ-204411', `badge ＢＤＧ-${GONE}`],
    ['what stands in base64', Buffer.from('the badge BDG-204411 is lost').toString('base64'), GONE],
    ['keys', { 'BDG-204411': 1 }, { [`BDG-${GONE}`]: 1 }],
    ['not a text without much in it', 'token = "aaaaaaaaaaaa"', 'token = "aaaaaaaaaaaa"'],
    ['not a find with a word that stops it', 'token = "k3yz9SAMPLEq27xw1"', 'token = "k3yz9SAMPLEq27xw1"'],
    [
      'not a find in a line that is allowed',
      'token = "k3yz9fq27xw1" # not a secret',
      'token = "k3yz9fq27xw1" # not a secret',
    ],
    ['a find in the line before', 'token = "k3yz9fq27xw1"\nx # not a secret', `token = "${GONE}"\nx # not a secret`],
    ['not what every list allows', 'token = "EXAMPLEk3yz9fq27"', 'token = "EXAMPLEk3yz9fq27"'],
    ['nothing that only another detector knows', 'ada@example.com', 'ada@example.com'],
  ])('take out %s', (_what, value, expected) => {
    expect(left(value)).toEqual(expected);
  });

  it('hold a list with AND together only where all of it does, and never one about files', () => {
    const rule = (more: string) =>
      `[[rules]]\nid = "a"\nregex = '''key=(\\w+)'''\n[[rules.allowlists]]\ncondition = "AND"\n${more}`;
    const both = rule(`regexes = ['''^x''']\nstopwords = ["test"]`);
    expect([left('key=xtest', both), left('key=xyz', both)]).toEqual(['key=xtest', `key=${GONE}`]);
    expect(left('key=xtest', rule(`regexes = ['''^x''']\npaths = ['''test''']`))).toBe(`key=${GONE}`);
    expect(left('key=xtest', rule(`commits = ["abc"]`))).toBe(`key=${GONE}`);
  });

  it('are withheld from nobody: what asks for them where there is none is not given', () => {
    const obligation = { type: 'redact' as const, target: 'output' as const, detectors: ['rule-file' as const] };
    expect(() => compileRedaction([obligation], 'output')).toThrow(
      expect.objectContaining({ code: 'EXECUTOR_REDACTION_FAILED' }),
    );
  });

  it.each([
    [
      'a pattern with back-tracking',
      `[[rules]]\nid = "a"\nregex = '''(?=x)y'''`,
      /`rules\.toml` rule `a`: .*Perl syntax/,
    ],
    ['no TOML', '[[rules]\nid = 1', /`rules\.toml:1:\d+` is not TOML/],
    ['an unknown member', `[[rules]]\nid = "a"\nregex = "a"\nregexp = "b"`, /`rules\.0`: .*regexp/],
    ['rules of others that it extends', `[extend]\nuseDefault = true\n[[rules]]\nid = "a"\nregex = "a"`, /extend/],
    ['two rules of one name', `[[rules]]\nid = "a"\nregex = "a"\n[[rules]]\nid = "a"\nregex = "b"`, /two rules `a`/],
    ['a group that is not there', `[[rules]]\nid = "a"\nregex = "(a)"\nsecretGroup = 2`, /`a` has no group 2/],
    ['rules about files alone', `[[rules]]\nid = "a"\npath = "a"`, /no rule with a `regex`/],
    ['no rule', 'title = "x"', /rules/],
    ['a pattern in an allow-list', `[[rules]]\nid = "a"\nregex = "a"\n[rules.allowlist]\nregexes = ['(']`, /rule `a`:/],
  ])('are refused with %s', (_what, file, told) => {
    expect(() => readRuleFile(file, 'rules.toml')).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringMatching(told) }),
    );
  });

  // With time in the square of the length each of these took minutes, and the test ran into its limit.
  it.each<[string, string, string]>([
    ['near misses that reach to the end', 'token="'.repeat(8_000), 'token="'],
    ['finds in one line', 'token = "k3yz9fq27xw1" '.repeat(3_000), `token = "${GONE}" `],
    ['empty finds', 'x'.repeat(64_000), 'x'],
  ])('are done with %s', (_what, text, each) => {
    const file = `${FILE}\n[[rules]]\nid = "greedy"\nregex = '''token=(.*)'''\nentropy = 7.9\n[[rules]]\nid = "empty"\nregex = '''y*'''`;
    const { part } = left({ part: text }, file) as { part: string };
    expect(part.replaceAll(each, '')).toBe('');
  });
});
