import { existsSync, readFileSync } from 'node:fs';
import type { Explanation } from '#writ/operator';
import { painter } from '../paint.js';
import { caret, formatExplanation } from './format-explanation.js';

const NAUGHTY = new URL('../../../../../shared/benchmarks/conformance/naughty-strings.json', import.meta.url);

const denial: Explanation = {
  call: 'c1',
  agent: 'intern',
  tenant: 'default',
  kind: 'memory.query',
  resource: 'CRM.customers',
  decision: 'deny',
  code: 'no_policy_permits',
  decidedAt: '2026-11-22T05:30:00.123Z',
  bundle: { hash: `sha256:${'ab'.repeat(32)}`, onDisk: 'same', texts: 'decided' },
  policies: [],
  held: [],
  logged: [],
  remedies: [],
  labels: [],
  nearest: [
    {
      id: 'interns-look-up-three-at-most',
      at: 'policies/crm.cedar:21',
      col: 8,
      clause: 'when context.input.k <= 3',
      source: 'when { context.input.k <= 3 };',
      read: { 'context.input.k': 10 },
    },
  ],
  errors: [],
  obligations: [],
  redactions: { input: [], output: [] },
  outcome: { status: 'none' },
  credentials: [],
  values: [{ name: 'arguments', value: { text: 'who pays late', k: 10 }, commitment: 'opens' }],
  ledger: [],
  rejected: [],
};
const show = (changes: Partial<Explanation> = {}) => formatExplanation({ ...denial, ...changes }, painter(false));

describe('formatExplanation', () => {
  it('shows what held in a forbid under a caret with what it read, the remedy, and what only logs', () => {
    const at = 'policies/crm.cedar:30';
    const text = show({
      code: 'policy_forbids',
      nearest: [],
      policies: [{ id: 'no-bulk', effect: 'forbid', at }],
      held: [
        {
          id: 'no-bulk',
          at,
          col: 8,
          clause: 'when context.input.k > 50',
          source: 'when { context.input.k > 50 };',
          read: { 'context.input.k': 80 },
        },
      ],
      remedies: [{ policy: 'no-bulk', kind: 'approval' }],
      logged: [{ id: 'new-rule', effect: 'forbid', at: 'policies/new.cedar:2' }],
    });
    expect(text).toContain(
      [
        'held         policies/crm.cedar:30  no-bulk',
        '             when context.input.k > 50',
        '             | when { context.input.k > 50 };',
        '             |        ^~~~~~~~~~~~~~~~~~~~',
        '             context.input.k was 80',
      ].join('\n'),
    );
    expect(text).toContain('remedy       approval, by no-bulk');
    expect(text).toContain('log only     policies/new.cedar:2  forbid new-rule would have fired');
  });

  it('shows a default deny with the nearest permit, the clause under a caret, and what it read', () => {
    const text = show();
    expect(text).toContain('decision     DENY  no_policy_permits');
    expect(text).toContain('no permit matched');
    expect(text).toContain('nearest      policies/crm.cedar:21  permit interns-look-up-three-at-most');
    expect(text).toContain('| when { context.input.k <= 3 };\n             |        ^~~~~~~~~~~~~~~~~~~~');
    expect(text).toContain('context.input.k was 10');
    expect(text).toContain('asked        {"text":"who pays late","k":10}');
    expect(text).toContain('outcome      nothing ran');
  });

  it('shows an allow with the text of its policy and the check of its command', () => {
    const policy = { id: 'p', effect: 'permit', at: 'policies/a.cedar:3', text: 'permit (\n  principal\n);' } as const;
    const text = show({
      decision: 'allow',
      policies: [policy],
      nearest: [],
      command: { delivery: 'once', pool: 'default', takeBy: 'T1', finishBy: 'T2' },
      values: [
        { name: 'command', commitment: 'opens', value: { filter: { op: 'contains', field: 'labels', value: 'x' } } },
      ],
      outcome: { status: 'completed', code: 'completed', ms: 12, at: 'T3' },
    });
    expect(text).toContain('policy       policies/a.cedar:3  permit p\n             | permit (\n');
    expect(text).toContain('the stored command is the committed one');
    expect(text).toContain('on records where {"op":"contains","field":"labels","value":"x"}');
    expect(text).toContain('outcome      completed  12 ms  T3');
  });

  it('is loud when the policies changed, a value is not the committed one, or a block does not verify', () => {
    const text = show({
      bundle: { ...denial.bundle, onDisk: 'other', texts: 'now' },
      values: [{ name: 'arguments', value: 1, commitment: 'differs' }],
      rejected: [{ seq: 7, reason: 'the signature is bad' }],
    });
    expect(text).toContain('texts as the files are now; the bundle that decided is no longer here');
    expect(text).toContain('the policy files have CHANGED since');
    expect(text).toContain('NOT the committed value');
    expect(text).toContain('NOT TRUSTED  message 7: the signature is bad');
  });

  it('says that texts are those that decided', () => {
    const text = show({ bundle: { ...denial.bundle, onDisk: 'other' } });
    expect(text).toMatch(/policies +sha256:[a-b]+… {2}texts as it decided\n +the policy files have CHANGED since/);
  });

  it('lets no value, and no text of a policy, command the terminal or write lines of its own', () => {
    const at = 'policies/a.cedar:1';
    const evil = 'a\u001b[2J\u009b1A\u202e\ndecision     ALLOW';
    const text = show({
      redactions: { input: [{ path: evil, kind: 'email', n: 1 }], output: [] },
      policies: [{ id: evil, effect: 'forbid', at, text: '// \u001b[8m hidden\r\npermit (' }],
      nearest: [{ id: 'p', at, col: 1, clause: `when ${evil}`, source: evil, read: { 'context.input.k': evil } }],
      values: [{ name: 'arguments', value: { text: evil }, commitment: 'opens' }],
      rejected: [{ seq: 7, reason: evil }],
    });
    expect(text).toMatch(/^[\p{L}\p{N}\p{P}\p{S} \n]+$/u);
    expect(text.match(/^decision/gm)).toHaveLength(1);
    // A line break in a value is one of JSON, and the lines of a policy are its own.
    expect(text).toContain('\\ndecision     ALLOW"');
    expect(text).toMatch(/\| \/\/ \S+ hidden\n +\| permit \(\n/);
  });

  it('shortens a very long value and says so', () => {
    const text = show({ values: [{ name: 'arguments', value: 'x'.repeat(10_000), commitment: 'opens' }] });
    expect(text).toContain('more characters; --json shows all');
  });
});

const describeIfPresent = existsSync(NAUGHTY) ? describe : describe.skip;
describeIfPresent('formatExplanation of the big list of naughty strings', () => {
  it('shows each, asked and answered, on one line that commands no terminal', () => {
    const { strings } = JSON.parse(readFileSync(NAUGHTY, 'utf8')) as { strings: string[] };
    const lines = show({ resource: 'CRM' }).split('\n').length;
    for (const naughty of strings) {
      const text = show({
        resource: 'CRM',
        values: [{ name: 'arguments', value: { [naughty]: naughty }, commitment: 'opens' }],
      });
      expect(text.split('\n')).toHaveLength(lines);
      // What stands there is the JSON of the value, save for what would command the terminal.
      const shown = /^asked +(.*)$/m.exec(text)?.[1] ?? '';
      const expected = JSON.stringify({ [naughty]: naughty });
      expect([...shown].filter((sign, at) => sign !== [...expected][at] && sign !== '\ufffd')).toEqual([]);
      // oxlint-disable-next-line no-control-regex
      expect(text).not.toMatch(/[\0-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
    }
  });
});

describe('caret', () => {
  it.each([
    // source                 column  failed            marks
    ['  principal == A,', 3, 'principal == A', `  ^${'~'.repeat(13)}`],
    ['\twhen { a }', 9, 'when a', '\t       ^'],
    ['"日本" == a && é', 9, 'when a && é', `${' '.repeat(10)}^${'~'.repeat(5)}`],
    ['a == "日本"', 1, 'when a == "日本"', `^${'~'.repeat(10)}`],
    // The file changed since: the mark does not pretend to know how long the clause is.
    ['another line', 3, 'when x > 1', '  ^'],
  ])('marks %j', (source, col, failed, marks) => {
    expect(caret(source, col, failed)).toBe(marks);
  });
});
