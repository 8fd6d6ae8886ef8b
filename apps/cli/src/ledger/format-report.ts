import { formatAge } from './freshness.js';
import type { ChainReport, LogReport, Problem, VerifyExit, VerifyReport } from '#writ/tlog';

const VERDICTS: Readonly<Record<VerifyExit, string>> = {
  0: 'WITNESSED',
  10: 'valid, not witnessed',
  20: 'incomplete or stale',
  30: 'two histories',
  40: 'INVALID',
};
const PROBLEMS_SHOWN_MAX = 50;

/**
 * The report for people: the verdict, what is there, and each problem with its place, worst first. Given the time at which it is looked
 * at, in seconds since 1970, it says how old the newest cosignature was then. `isChecked`: the ledger before was looked at as well.
 */
export function formatReport(report: VerifyReport | LogReport, asOf?: number, isChecked = false): string {
  const worstFirst = [...report.problems].sort((a, b) => b.exit - a.exit);
  const hidden = report.problems.length + report.problemsOmitted - Math.min(worstFirst.length, PROBLEMS_SHOWN_MAX);
  return [
    `${VERDICTS[report.exit]} (exit ${report.exit})`,
    `  ${report.entries} entries in ${report.blocks} blocks; ${report.openCalls} allowed calls without a recorded end`,
    `  size ${report.size}, root ${report.root === '' ? 'unknown' : report.root}`,
    ...('heads' in report ? [...endsOf(report, isChecked), ...checksOf(report, asOf)] : []),
    ...report.producers.map(
      ({ id, boots, blocks, entries }) => `  ${id}: ${entries} entries, ${blocks} blocks, ${boots} boots`,
    ),
    ...worstFirst.slice(0, PROBLEMS_SHOWN_MAX).map(formatProblem),
    ...(hidden > 0 ? [`  and ${hidden} more problems`] : []),
  ].join('\n');
}

/** The report on a ledger and on those before it: the verdict on all of them, and each with its own. */
export function formatChain({ report, previous, exit }: ChainReport, asOf?: number): string {
  if (previous.length === 0) return formatReport(report, asOf);
  const all = [report, ...previous].map((each, at) => {
    const isChecked = at < previous.length;
    return `${each.ledger}: ${formatReport(each, at === 0 ? asOf : undefined, isChecked)}`;
  });
  return [`${VERDICTS[exit]} (exit ${exit}): ${all.length} ledgers that follow each other`, ...all].join('\n');
}

/** What the log says of the ledgers before and after it. */
function endsOf({ frozen, previous }: LogReport, isChecked: boolean): readonly string[] {
  return [
    ...(previous === null
      ? []
      : [
          `  goes on from ${previous.ledger}, ${previous.size} entries, root ${previous.root}${isChecked ? '' : ' (not checked: `--previous DIR`)'}`,
        ]),
    ...(frozen === null ? [] : [`  has ended, and goes on as ${frozen}`]),
  ];
}

/** What was checked beyond what every report counts. */
function checksOf(report: LogReport, asOf: number | undefined): readonly string[] {
  const { heads, quorum, witnesses, cosignedAt, rejected, isStrict, from } = report;
  const cosigned =
    quorum === 0 ? 'the trust bundle names no witnesses' : `cosigned by ${witnesses.length} of ${quorum} needed`;
  return [
    ...(from > 0
      ? [
          `  checked from leaf ${from} on: the ${from} entries before it were removed, on record; their hashes are in the tree`,
        ]
      : []),
    `  ${heads} signed heads checked; ${cosigned}${witnesses.length > 0 ? `: ${witnesses.join(', ')}` : ''}`,
    ...(cosignedAt === null || asOf === undefined
      ? []
      : [
          `  newest cosignature ${new Date(cosignedAt * 1_000).toISOString().slice(0, 19)}Z, ${formatAge(asOf - cosignedAt)}`,
        ]),
    ...(rejected > 0 ? [`  ${rejected} messages were refused by the log`] : []),
    ...(isStrict
      ? []
      : ['  NOT checked (--no-strict): canonical form, schema, policies in force, decisions of outcomes']),
  ];
}

function formatProblem(problem: Problem): string {
  const { seq, producer, n, index, id, file } = problem;
  const place = [
    file,
    seq !== undefined && `message ${seq}`,
    producer,
    n !== undefined && `block ${n}`,
    index !== undefined && `entry ${index}`,
    id,
  ].filter((part) => part !== undefined && part !== false);
  const mark = problem.exit === 0 ? 'note' : `[${problem.exit}]`;
  return `  ${mark} ${problem.code}${place.length > 0 ? ` at ${place.join(', ')}` : ''}: ${problem.message}`;
}
