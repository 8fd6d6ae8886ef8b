import type { TestResult } from '#writ/policy-testing';
import { painter } from '../../paint.js';
import { formatCoverage, formatResults } from './format-results.js';

const EVIL = 't\u001b[1A\u009b2K\u202e\n  ✓ everything holds';
const PRINTABLE = /^[\p{L}\p{N}\p{P}\p{S} ]*$/u;
const PLACE = { id: EVIL, file: EVIL, line: 1, col: 1 };

/** A failed test of which every text is its author's. */
const FAILED: TestResult = {
  test: {
    file: EVIL,
    line: 1,
    name: EVIL,
    request: { kind: 'tool.call', v: 1, call: 'c', tool: 'mail', args: {} },
    circumstances: { agent: 'ada', callsToday: 0, nowMs: 0 },
    expect: { decision: 'permit' },
    rows: [],
  },
  mismatches: [{ what: 'obligations', expected: EVIL, received: EVIL }],
  outcome: {
    effect: 'forbid',
    code: 'no_policy_permits',
    policies: [{ ...PLACE, effect: 'forbid' }],
    errors: [{ id: EVIL, message: EVIL }],
    obligations: [],
    logged: [],
    near: [{ ...PLACE, failed: EVIL, values: { [EVIL]: EVIL } }],
    message: EVIL,
  },
};

describe('what a test run prints', () => {
  it('lets tests and policies neither command the terminal nor write lines of their own', () => {
    const lines = formatResults([FAILED, { ...FAILED, mismatches: [] }], painter(false));
    for (const line of lines) expect(line).toMatch(PRINTABLE);
    expect(lines.at(-1)).toBe('1 passed, 1 failed (2 tests in 1 file)');
  });

  it('says so of what was never decided as well', () => {
    const none = { decided: 0, total: 1 };
    const report = { policies: none, clauses: none, percent: 0, never: [{ ...PLACE, clause: EVIL }] };
    const lines = formatCoverage(report, painter(false));
    expect(lines).toHaveLength(3);
    for (const line of lines) expect(line).toMatch(PRINTABLE);
  });
});
