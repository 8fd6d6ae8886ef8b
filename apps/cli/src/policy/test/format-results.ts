import type { Covered, CoverageReport, TestResult } from '#writ/policy-testing';
import type { Paint } from '../../paint.js';
import { printableIn } from '../../printable.js';

const LABEL_WIDTH = 13;

/** What a test runner prints: files, tests, and for what does not hold why. */
export function formatResults(results: readonly TestResult[], paint: Paint): readonly string[] {
  const files = [...new Set(results.map(({ test }) => test.file))];
  const failed = results.filter(({ mismatches }) => mismatches.length > 0).length;
  const lines = files.flatMap((file) => [
    paint('bold', printableIn(file)),
    ...results.filter(({ test }) => test.file === file).flatMap((result) => formatResult(result, paint)),
  ]);
  const passed = `${results.length - failed} passed`;
  const summary = failed === 0 ? paint('green', passed) : `${passed}, ${paint('red', `${failed} failed`)}`;
  return [...lines, '', `${summary} (${counted(results.length, 'test')} in ${counted(files.length, 'file')})`];
}

/** Policies and their tests are tried out before anybody trusts their author. */
function formatResult({ test, mismatches, outcome }: TestResult, paint: Paint): readonly string[] {
  const name = printableIn(test.name);
  if (mismatches.length === 0) return [`  ${paint('green', '✓')} ${name}`];
  return [
    `  ${paint('red', '✗')} ${name}  ${paint('dim', printableIn(`${test.file}:${test.line}`))}`,
    ...printableIn(mismatches).flatMap(({ what, expected, received }) => [
      line(what, `expected ${paint('green', expected)}`),
      line('', `received ${paint('red', received)}`),
    ]),
    ...formatOutcome(outcome).map((each) => printableIn(each)),
  ];
}

function formatOutcome(outcome: TestResult['outcome']): readonly string[] {
  return [
    ...outcome.policies.map(({ id, effect, file, line: at }) => line('decided by', `${file}:${at} ${effect} ${id}`)),
    ...outcome.errors.map(({ id, message }) => line('error', `${id}: ${message}`)),
    ...(outcome.message === undefined ? [] : [line('refused', outcome.message)]),
    ...outcome.near.map((miss) => {
      const read = Object.entries(miss.values).map(([path, value]) => `${path} was ${JSON.stringify(value)}`);
      const values = read.length === 0 ? '' : ` (${read.join(', ')})`;
      return line(
        'nearest',
        `${miss.file}:${miss.line}:${miss.col} permit ${miss.id}, failed: ${miss.failed}${values}`,
      );
    }),
  ];
}

/** How much of the policies decided something, and what did not; the second set and what is only logged by themselves. */
export function formatCoverage(report: CoverageReport, paint: Paint): readonly string[] {
  const { obligations, logOnly } = report;
  return [
    ...formatGroup(report, { name: 'coverage', did: 'decided something' }, paint),
    ...(obligations === undefined
      ? []
      : formatGroup(obligations, { name: 'second set', did: 'obliged to something' }, paint)),
    ...(logOnly === undefined
      ? []
      : formatGroup(logOnly, { name: 'log_only', did: 'would have decided something' }, paint)),
  ];
}

interface GroupWords {
  readonly name: string;
  readonly did: string;
}

function formatGroup(
  { policies, clauses, percent, never }: Covered,
  { name, did }: GroupWords,
  paint: Paint,
): readonly string[] {
  const [of, conditions] = [policies, clauses].map(({ decided, total }) => `${decided} of ${total}`);
  return [
    '',
    `${name}: ${percent} %, ${of} policies and ${conditions} conditions ${did}`,
    ...printableIn(never).map(({ id, file, line: at, col, clause }) => {
      const what = clause === undefined ? `policy ${id}` : `${id}: ${clause}`;
      return `  ${paint('yellow', 'never')}  ${file}:${at}:${col}  ${what}`;
    }),
  ];
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

function line(label: string, text: string): string {
  return `      ${label.padEnd(LABEL_WIDTH)}${text}`;
}
