import { Coverage } from './coverage.js';
import { someRules } from './policy-testing.fixture.js';
import { runTest } from './run-test.js';
import { parseTestFile } from './test-file.js';

const parse = (text: string) => parseTestFile(text, 'p.test.yaml', { WHO: 'ada' });
const one = (request: string, expectation: string, rows = ''): string =>
  `tests:\n  - name: t\n    request: ${request}\n${rows}    expect: ${expectation}\n`;
const MAIL = '{ agent: ada, tool: mail, args: { to: x } }';
const QUERY = '{ agent: ada, namespace: notes, operation: query, text: x }';
const ROWS = '    rows: [{ id: a }, { id: b, labels: [secret] }]\n';

describe('a test file', () => {
  it.each([
    // says                              text                                                                            fault
    [
      'an unknown field',
      one('{ agent: ada, tool: mail, arg: {} }', '{ decision: permit }'),
      /p\.test\.yaml:3:\d+: .*arg.*no such field/,
    ],
    ['an unknown expectation', one(MAIL, '{ decision: permit, polices: [] }'), /polices.*no such field/],
    ['a misspelt decision', one(MAIL, '{ decison: permit }'), /decison.*no such field/],
    [
      'a request about two things',
      one('{ agent: ada, tool: mail, url: "https://example.com/" }', '{ decision: permit }'),
      /give one of/,
    ],
    ['a request about nothing', one('{ agent: ada }', '{ decision: permit }'), /give one of/],
    [
      'a request that is none',
      one('{ agent: ada, tool: mail, args: {}, k: 3 }', '{ decision: permit }'),
      /is no `tool\.call` request/,
    ],
    [
      'a namespace without an operation',
      one('{ agent: ada, namespace: notes }', '{ decision: permit }'),
      /give `operation`/,
    ],
    ['a filter of a tool', one(MAIL, '{ decision: permit, filter: all }'), /only a memory query/],
    ['what is visible of nothing', one(QUERY, '{ decision: permit, visible: [a] }'), /give `rows`/],
    [
      'a name twice',
      `${one(MAIL, '{ decision: permit }')}  - name: t\n    request: ${MAIL}\n    expect: { decision: permit }\n`,
      /p\.test\.yaml:5:\d+: .*another test/,
    ],
    ['no tests', 'tests: []\n', /p\.test\.yaml:1:1/],
    ['a variable that is not set', one(MAIL.replace('ada', '"${NOBODY}"'), '{ decision: permit }'), /`NOBODY`/],
  ])('with %s is refused with its place', (_case, text, message) => {
    expect(() => parse(text)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringMatching(message) }),
    );
  });

  it('takes variables from the environment, as writ.yaml does', () => {
    expect(parse(one(MAIL.replace('ada', '"${WHO}"'), '{ decision: permit }'))[0]?.circumstances.agent).toBe('ada');
  });
});

describe('a test', () => {
  it.each([
    // request                                             expectation
    [MAIL, '{ decision: permit, code: permit, policies: [staff-mails], obligations: [] }', ''],
    [
      MAIL.replace('tool', 'session: { callsToday: 10 }, tool'),
      '{ decision: forbid, code: no_policy_permits, policies: [] }',
      '',
    ],
    [MAIL.replace('ada', 'gus'), '{ decision: forbid }', ''],
    [MAIL.replace('ada', 'stranger'), '{ decision: refused, code: INPUT_UNKNOWN_AGENT }', ''],
    ['{ agent: ada, tool: mail }', '{ decision: refused, code: INPUT_ARGUMENTS_INVALID }', ''],
    [QUERY, '{ decision: permit, filter: some, visible: [a], policies: [hidden, staff-searches] }', ROWS],
    [QUERY.replace('ada', 'gus'), '{ decision: forbid, filter: none, visible: [] }', ROWS],
    ['{ agent: ada, url: "https://example.com/" }', '{ decision: forbid, code: no_policy_permits }', ''],
  ])('of %s holds with %s', (request, expectation, rows) => {
    const [test] = parse(one(request, expectation, rows));
    expect(test && runTest(test, someRules()).mismatches).toEqual([]);
  });

  it('that does not hold says what was expected and what came', () => {
    const [test] = parse(
      one(QUERY, '{ decision: forbid, policies: [staff-searches], filter: all, visible: [b] }', ROWS),
    );
    expect(test && runTest(test, someRules()).mismatches).toEqual([
      { what: 'decision', expected: 'forbid', received: 'permit' },
      { what: 'policies', expected: 'staff-searches', received: 'hidden, staff-searches' },
      { what: 'filter', expected: 'all', received: 'some' },
      { what: 'visible', expected: 'b', received: 'a' },
    ]);
  });
});

describe('coverage', () => {
  const coverageUnder = (rules: ReturnType<typeof someRules>, ...files: readonly string[]) => {
    const coverage = new Coverage(rules);
    for (const test of files.flatMap(parse)) coverage.add(runTest(test, rules));
    return coverage.report();
  };
  const coverageOf = (...files: readonly string[]) => coverageUnder(someRules(), ...files);

  it('names every policy and condition of which no test depends', () => {
    expect(coverageOf()).toMatchObject({
      percent: 0,
      policies: { decided: 0, total: 3 },
      clauses: { decided: 0, total: 2 },
    });
    expect(coverageOf().never.map(({ id }) => id)).toEqual([
      'staff-mails',
      'staff-mails',
      'staff-searches',
      'hidden',
      'hidden',
    ]);
  });

  it('counts a policy that decided, and not the conditions that merely held', () => {
    expect(coverageOf(one(MAIL, '{ decision: permit }'))).toMatchObject({
      policies: { decided: 1 },
      clauses: { decided: 0 },
    });
  });

  it('counts a condition that alone kept its policy from firing, and one that became a filter', () => {
    const late = one(MAIL.replace('tool', 'session: { callsToday: 10 }, tool'), '{ decision: forbid }');
    expect(coverageOf(late, one(MAIL, '{ decision: permit }'), one(QUERY, '{ decision: permit }'))).toEqual({
      percent: 100,
      policies: { decided: 3, total: 3 },
      clauses: { decided: 2, total: 2 },
      never: [],
    });
  });

  const COPIES = MAIL.replace('to: x', 'to: x, copies: 2');
  const PERMITTED = '{ decision: permit }';
  const FORBIDDEN = '{ decision: forbid }';

  it.each([
    // tests                                     oblige                        conditions that made a difference
    ['nothing asked', [], 0, 0],
    ['an allow that it does not oblige', [one(MAIL, PERMITTED)], 0, 1],
    ['an allow that it obliges', [one(COPIES, PERMITTED)], 1, 0],
    ['both', [one(MAIL, PERMITTED), one(COPIES, PERMITTED)], 1, 1],
    ['denials, on which it is not asked', [MAIL, COPIES].map((m) => one(m.replace('ada', 'gus'), FORBIDDEN)), 0, 0],
  ])('counts a policy of the second set when it obliged: %s', (_case, files, policies, clauses) => {
    const { obligations, policies: enforced } = coverageUnder(someRules({ label: 'copied' }), ...files);
    expect(obligations).toMatchObject({
      policies: { decided: policies, total: 1 },
      clauses: { decided: clauses, total: 1 },
    });
    expect(obligations?.never).toHaveLength(2 - policies - clauses);
    expect(enforced.total).toBe(3);
  });

  it.each([
    // tests                                                            would have fired   conditions that made a difference
    ['few calls', [one(MAIL, PERMITTED)], 0, 1],
    ['many', [one(MAIL.replace('tool', 'session: { callsToday: 7 }, tool'), PERMITTED)], 1, 0],
    [
      'many, of somebody who is denied',
      [one(`${MAIL.replace('ada, tool', 'gus, session: { callsToday: 7 }, tool')}`, FORBIDDEN)],
      1,
      0,
    ],
    [
      'many, of somebody who searches',
      [one(QUERY.replace('operation', 'session: { callsToday: 7 }, operation'), PERMITTED)],
      1,
      0,
    ],
  ])('counts a policy that is only logged when it would have fired: %s', (_case, files, policies, clauses) => {
    const { logOnly } = coverageUnder(someRules({ loggedFrom: 5 }), ...files);
    expect(logOnly).toMatchObject({
      policies: { decided: policies, total: 1 },
      clauses: { decided: clauses, total: 1 },
    });
  });

  it('has no group for what there is none of', () => {
    expect(Object.keys(coverageOf())).toEqual(['policies', 'clauses', 'percent', 'never']);
  });
});

describe('a test about time and arguments of extension types', () => {
  it.each([
    ['2026-06-30T23:59:59.999Z', '{ to: x }', '{ decision: permit }'],
    ['2026-07-01T00:00:00Z', '{ to: x }', '{ decision: forbid, code: no_policy_permits }'],
    ['2026-06-30T12:00:00Z', "{ to: x, at: '2026-11-22t10:00:00.5z' }", '{ decision: permit }'],
    [
      '2026-06-30T12:00:00Z',
      "{ to: x, at: '2026-12-31T23:59:60Z' }",
      '{ decision: refused, code: INPUT_ARGUMENTS_INVALID }',
    ],
  ])('is asked as an agent would ask at %s with %s: %s', (time, args, expectation) => {
    const [test] = parse(one(`{ agent: ada, tool: mail, time: '${time}', args: ${args} }`, expectation));
    if (test === undefined) throw new Error('there is one test');
    expect(runTest(test, someRules({ until: '2026-07-01' })).mismatches).toEqual([]);
  });
});
