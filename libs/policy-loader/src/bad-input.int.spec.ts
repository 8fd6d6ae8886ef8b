import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Fault } from '#writ/faults';
import {
  decide,
  compilePolicies,
  generateSchema,
  type PolicyModel,
  type PolicyProblem,
  policyEntities,
  policyProblemsOf,
  uids,
  untypedArguments,
} from '#writ/policy';
import { loadPolicies } from './load-policies.js';

const model: PolicyModel = {
  agents: [{ name: 'support', teams: ['sales'] }],
  tools: [
    {
      name: 'mail.send',
      kind: 'http',
      idempotent: false,
      input: {
        type: 'object',
        properties: {
          to: { type: 'string' },
          cc: { type: 'array', items: { type: 'string' } },
          weight: { type: 'number' },
          at: { type: 'string', 'x-cedar-type': 'datetime' },
          from: { type: 'string', 'x-cedar-type': 'ipaddr' },
          price: { type: 'string', 'x-cedar-type': 'decimal' },
          filter: { type: 'object', properties: { any: { type: ['string', 'integer'] } } },
        },
        required: ['to'],
      },
    },
  ],
  namespaces: ['CRM'],
  destinations: [],
};
const schema = generateSchema(model);

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'writ-policies-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

type Files = Readonly<Record<string, string | Uint8Array>>;

async function write(files: Files): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(directory, name)), { recursive: true });
    await writeFile(join(directory, name), content);
  }
}

const options = () => ({ directory, schema, untyped: untypedArguments(model) });

/** Everything that is wrong, errors and warnings, by file. */
async function problemsOf(files: Files): Promise<Readonly<Record<string, readonly PolicyProblem[]>>> {
  await write(files);
  const problems: PolicyProblem[] = [];
  const thrown: unknown = await loadPolicies({ ...options(), onWarning: (warning) => problems.push(warning) }).catch(
    (caught: unknown) => caught,
  );
  if (!(thrown instanceof Fault)) throw new Error('the policies were loaded', { cause: thrown });
  problems.push(...policyProblemsOf(thrown));
  const byFile: Record<string, PolicyProblem[]> = {};
  for (const problem of problems) (byFile[problem.file.replace(/^policies\//, '')] ??= []).push(problem);
  return byFile;
}

const byLine = ([a]: readonly unknown[], [b]: readonly unknown[]) => Number(a) - Number(b);

const id = (name: string) => `@id("${name}") `;
const forbid = (name: string, body: string) => `${id(name)}forbid (principal, action, resource) when { ${body} };`;
const mail = 'action == Action::"mail.send"';

describe('text that Cedar should not see, or does not survive', () => {
  it('is refused with its place, and everything else is still told', async () => {
    const files = {
      'parentheses.cedar': forbid('parentheses', `${'('.repeat(10_000)}true${')'.repeat(10_000)}`),
      'records.cedar': forbid('records', `${'{"a":'.repeat(100)}1${'}'.repeat(100)} == 1`),
      'dots.cedar': forbid('dots', `context${'.a'.repeat(420)} == 1`),
      'many-dots.cedar': forbid('many-dots', `context${'.a'.repeat(4_900)} == 1`),
      'sum.cedar': forbid('sum', `${'1+'.repeat(420)}1 == 0`),
      'long-sum.cedar': forbid('long-sum', `${'1+'.repeat(4_900)}1 == 0`),
      'nots.cedar': forbid('nots', `${'!'.repeat(420)}true`),
      'ands.cedar': forbid('ands', `${'context.time.hour == 1 && '.repeat(300)}true`),
      'ors.cedar': forbid('ors', `${'true || '.repeat(420)}true`),
      'ifs.cedar': forbid('ifs', `${'if true then true else '.repeat(400)}true`),
      'long.cedar': forbid('long', `"${'x'.repeat(10_240)}" == ""`),
      'integer.cedar': forbid('integer', 'context.time.unix == 9007199254740993'),
      'huge-integer.cedar': forbid('huge-integer', '99999999999999999999999 == 1'),
      'open-string.cedar': `${id('open')}forbid (principal, action, resource) when { "x };`,
      'template.cedar': `${id('template')}permit (principal == ?principal, action, resource);`,
      'other.cedar': `${id('other')}forbid (principal, ${mail}, resource) when { context.input.tos == "x" };`,
    };
    const problems = await problemsOf(files);
    const told = Object.fromEntries(
      Object.entries(problems).map(([file, list]) => [file, list.map(({ rule }) => rule)]),
    );
    expect(told).toEqual({
      'parentheses.cedar': ['nesting'],
      'records.cedar': ['nesting'],
      'dots.cedar': ['nesting'],
      'many-dots.cedar': ['nesting'],
      'sum.cedar': ['nesting'],
      'long-sum.cedar': ['nesting'],
      'nots.cedar': ['nesting'],
      'ands.cedar': ['nesting'],
      'ors.cedar': ['nesting'],
      'ifs.cedar': ['nesting'],
      'long.cedar': ['too-long'],
      'integer.cedar': ['integer-too-large'],
      'huge-integer.cedar': ['integer-too-large'],
      'open-string.cedar': ['unterminated'],
      'template.cedar': ['template'],
      'other.cedar': ['unknown-attribute'],
    });
  }, 60_000);
});

describe('a value of an extension type that is compared as text', () => {
  it('is refused, and what to write instead is told', async () => {
    const asks = {
      equals: 'context.input has at && context.input.at == "2026-11-22T10:00:00Z"',
      like: 'context.input has at && context.input.at like "2026-*"',
      before: 'context.time.now < "2026-12-31"',
      listed: 'context.input has from && ["10.0.0.1"].contains(context.input.from)',
      range: 'context.input has from && context.input.from.isInRange("10.0.0.0/8")',
      price: 'context.input has price && context.input.price < decimal("1.5")',
      text: 'context.input.to.isInRange(ip("10.0.0.0/8"))',
      call: 'ip(context.input.to).isLoopback()',
    };
    const forbids = Object.entries(asks).map(([name, body]) => [
      `${name}.cedar`,
      `${id(name)}forbid (principal, ${mail}, resource) when { ${body} };`,
    ]);
    const problems = await problemsOf(Object.fromEntries(forbids) as Files);
    const told = Object.entries(problems).map(([file, [problem]]) => [
      file,
      `${problem?.code} ${problem?.rule}: ${problem?.help}`,
    ]);
    const helps = {
      equals: /datetime\("2026-01-31T12:00:00Z"\)`.*x-cedar-type: datetime/,
      like: /a `datetime` is compared with `<`/,
      before: /a `datetime` is compared with `<`/,
      listed: /`== ip\("10\.0\.0\.1"\)`/,
      range: /`\.isInRange\(ip\("10\.0\.0\.0\/8"\)\)`/,
      price: /a `decimal` is compared with `\.lessThan\(decimal\("10\.5"\)\)`/,
      text: /`x-cedar-type: ipaddr`, else it is text/,
      call: /declare the argument with `x-cedar-type`/,
    };
    for (const [name, help] of Object.entries(helps)) {
      expect(Object.fromEntries(told)[`${name}.cedar`]).toMatch(new RegExp(`^POLICY_INVALID type: .*${help.source}`));
    }
  }, 60_000);
});

describe('files that are not plain text', () => {
  it('are read as they are, or refused with the place of what is wrong', async () => {
    const problems = await problemsOf({
      'utf16.cedar': Buffer.from('\ufeffpermit', 'utf16le'),
      'latin1.cedar': Buffer.from('// ok\n// caf\xe9\n', 'latin1'),
      'nul.cedar': `${id('nul')}forbid (principal, action, resource)\nwhen { context.time.hour == 1 ||\0 true };`,
      'trojan.cedar': `${id('trojan')}forbid (principal, ${mail}, resource) when { context.input.to == "\u202ex" };`,
      'bom.cedar': `\ufeff${id('bom')}forbid (principal, ${mail}, resource) when { context.input.tos == "" };`,
      'crlf.cedar': `// é\r\n${id('crlf')}\r\nforbid (principal, ${mail}, resource)\r\n\twhen { "日本🎉é" == context.input.to || context.input.tos == "" };\r\n`,
      'UPPER.CEDAR': `${id('upper')}forbid (principal, ${mail}, resource) when { context.input.tos == "" };`,
      'empty.cedar': '',
      'comments.cedar': '// nothing\r// here',
      'notes.txt': 'not a policy',
    });
    const place = ({ line, col, length, source }: PolicyProblem) => [
      line,
      col,
      source?.slice(col - 1, col - 1 + (length ?? 0)),
    ];
    const told = Object.entries(problems).map(([file, list]) => {
      const error = list.find(({ severity }) => severity !== 'warning');
      return [file, error?.code, error?.rule, ...place(error as PolicyProblem)];
    });
    const tos = 'context.input.tos';
    expect(told.toSorted()).toEqual(
      [
        ['UPPER.CEDAR', 'POLICY_INVALID', 'unknown-attribute', 1, 81, tos],
        ['bom.cedar', 'POLICY_INVALID', 'unknown-attribute', 1, 79, tos],
        ['crlf.cedar', 'POLICY_INVALID', 'unknown-attribute', 4, 40, tos],
        ['latin1.cedar', 'POLICY_PARSE', 'encoding', 2, 7, undefined],
        ['nul.cedar', 'POLICY_PARSE', 'hidden-character', 2, 33, '\0'],
        ['trojan.cedar', 'POLICY_PARSE', 'hidden-character', 1, 103, '\u202e'],
        ['utf16.cedar', 'POLICY_PARSE', 'encoding', 1, 1, undefined],
      ].toSorted(),
    );
    expect(problems['utf16.cedar']?.[0]?.help).toMatch(/UTF-16/);
  });

  it('are problems of their own when they cannot be read, and are never left out in silence', async () => {
    await write({
      'good.cedar': forbid('good', 'context.time.hour == 1'),
      'folder.cedar/in.cedar': forbid('in', 'false'),
    });
    const elsewhere = await mkdtemp(join(tmpdir(), 'writ-elsewhere-'));
    try {
      await writeFile(join(elsewhere, 'linked.txt'), forbid('linked', 'context.time.hour == 2'));
      await symlink(join(elsewhere, 'linked.txt'), join(directory, 'linked.cedar'));
      await symlink('loop.cedar', join(directory, 'loop.cedar'));
      await symlink('nowhere', join(directory, 'dangling.cedar'));
      await symlink(elsewhere, join(directory, 'more'));
      // A file that is there and whose reading fails, whoever asks.
      await symlink('/proc/self/mem', join(directory, 'unreadable.cedar'));
      await symlink('/dev/null', join(directory, 'device.cedar'));
      await write({ 'huge.cedar': Buffer.alloc(4 * 1024 * 1024 + 1, 32) });
      const problems = await problemsOf({});
      const told = Object.values(problems)
        .flat()
        .filter(({ severity }) => severity !== 'warning')
        .map(({ code, file, message }) => `${code} ${file}: ${message}`);
      expect(told).toEqual([
        'POLICY_PARSE policies/dangling.cedar: the file cannot be read: ENOENT',
        'POLICY_PARSE policies/device.cedar: this is no regular file',
        'POLICY_PARSE policies/huge.cedar: the file has 4194305 bytes; the limit is 4194304',
        'POLICY_PARSE policies/loop.cedar: the link leads back to itself',
        'POLICY_PARSE policies/more: a link to a folder is not followed: put the folder here, or link to its files',
        'POLICY_PARSE policies/unreadable.cedar: the file cannot be read: EIO',
      ]);
    } finally {
      await rm(elsewhere, { recursive: true });
    }
  });

  it('may hold no policy at all: then everything is denied, and a warning says so', async () => {
    await write({ 'comments.cedar': '// nothing yet\n' });
    const warnings: PolicyProblem[] = [];
    const bundle = await loadPolicies({ ...options(), onWarning: (warning) => warnings.push(warning) });
    expect(warnings).toMatchObject([{ rule: 'no-policy', file: 'policies/comments.cedar' }]);
    const request = {
      principal: uids.agent('support'),
      action: uids.action('mail.send'),
      resource: uids.tool('mail.send'),
    };
    const decision = decide(compilePolicies(bundle, policyEntities(model)), { ...request, context: {} });
    expect(decision).toMatchObject({ effect: 'forbid', code: 'no_policy_permits' });
  });
});

describe('a policy that does not fit the tools', () => {
  it('is refused with what to do about it', async () => {
    const read = (name: string, what: string) => `${id(name)}forbid (principal, ${mail}, resource) when { ${what} };\n`;
    const problems = await problemsOf({
      'a.cedar':
        read('POLICY-11', 'context.input.tos == "x"') +
        read('optional', 'context.input.cc.contains("x")') +
        read('fraction', 'context.input.weight == 1') +
        read('union', 'context.input has filter && context.input.filter.any == 1') +
        read('type', 'context.input.to == 1') +
        `${id('action')}forbid (principal, action == Action::"mail.sent", resource);\n` +
        read('has', 'context.input has emails && context.input.emails == "x"') +
        read('has-cc', '!(context has input.ccc) || context.input has to') +
        read('has-weight', 'context.input has weight') +
        `${id('entity')}forbid (principal in Taem::"sales", ${mail}, resource);\n`,
    });
    const told = problems['a.cedar']?.map(({ severity = 'error', code, rule, line, help }) => [
      line,
      severity,
      code,
      rule,
      help,
    ]);
    expect(told?.filter(([, severity]) => severity === 'error').toSorted(byLine)).toEqual([
      [1, 'error', 'POLICY_INVALID', 'unknown-attribute', 'did you mean `to`?'],
      [2, 'error', 'POLICY_INVALID', 'optional-without-has', 'add `context.input has cc &&` before it'],
      [
        3,
        'error',
        'POLICY_INVALID',
        'unknown-attribute',
        '`mail.send` has the argument `weight`, but policies cannot read it: it may have a fraction',
      ],
      [
        4,
        'error',
        'POLICY_INVALID',
        'unknown-attribute',
        '`mail.send` has the argument `filter.any`, but policies cannot read it: it may be of several types',
      ],
      [
        5,
        'error',
        'POLICY_INVALID',
        'type',
        'both operands to a `==` expression must have compatible types. Types must be exactly equal to be compatible',
      ],
      [6, 'error', 'POLICY_INVALID', 'unknown-action', 'did you mean `Action::"mail.send"`?'],
      [7, 'error', 'POLICY_INVALID', 'unknown-attribute', undefined],
      [8, 'error', 'POLICY_INVALID', 'unknown-attribute', 'did you mean `cc`?'],
      [
        9,
        'error',
        'POLICY_INVALID',
        'unknown-attribute',
        '`mail.send` has the argument, but policies cannot read it: it may have a fraction',
      ],
      [10, 'error', 'POLICY_INVALID', 'unknown-entity-type', 'did you mean `Team`?'],
    ]);
  });
});
