import { Fault, type FaultCode } from '#writ/faults';

export type PolicyFaultCode = Extract<
  FaultCode,
  'POLICY_PARSE' | 'POLICY_INVALID' | 'POLICY_UNSUPPORTED' | 'POLICY_LINT'
>;

/** One thing that is wrong with one place of a policy file. */
export interface PolicyProblem {
  readonly code: PolicyFaultCode;
  readonly file: string;
  readonly line: number;
  readonly col: number;
  readonly message: string;
  readonly help?: string;
}

/** `file:line:col: message (help)`, the form that editors jump to. */
export function formatProblem(problem: PolicyProblem): string {
  const { file, line, col, message, help } = problem;
  return `${file}:${line}:${col}: ${message}${help === undefined ? '' : ` (${help})`}`;
}

const BY_WEIGHT: readonly PolicyFaultCode[] = ['POLICY_PARSE', 'POLICY_INVALID', 'POLICY_UNSUPPORTED', 'POLICY_LINT'];

/** One fault for all problems: its code is the gravest, its message has a line for each, in file order. */
export function policyFault(problems: readonly PolicyProblem[]): Fault {
  const code = BY_WEIGHT.find((weight) => problems.some((problem) => problem.code === weight)) ?? 'POLICY_INVALID';
  const sorted = [...problems].sort(
    (a, b) => (a.file === b.file ? 0 : a.file < b.file ? -1 : 1) || a.line - b.line || a.col - b.col,
  );
  const cause = Object.assign(new Error(`${sorted.length} problem(s) in the policies`), { problems: sorted });
  return new Fault(code, sorted.map(formatProblem).join('\n'), { cause });
}

/** The problems inside a fault of `policyFault`; empty for anything else. */
export function policyProblemsOf(thrown: unknown): readonly PolicyProblem[] {
  const cause: unknown = thrown instanceof Fault ? thrown.cause : undefined;
  if (!(cause instanceof Error) || !('problems' in cause)) return [];
  return cause.problems as readonly PolicyProblem[];
}
