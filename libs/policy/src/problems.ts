import { Fault, type FaultCode } from '#writ/faults';

export type PolicyFaultCode = Extract<
  FaultCode,
  'POLICY_PARSE' | 'POLICY_INVALID' | 'POLICY_UNSUPPORTED' | 'POLICY_LINT'
>;

/** One thing that is wrong, or looks wrong, with one place of a policy file. Columns and lengths count UTF-16 units. */
export interface PolicyProblem {
  readonly code: PolicyFaultCode;
  /** A warning keeps no policy from loading. What does not say is an error. */
  readonly severity?: 'error' | 'warning';
  /** The rule that was broken, as `docs/policies.md` lists them. */
  readonly rule?: string;
  readonly file: string;
  readonly line: number;
  readonly col: number;
  /** How much of the line is meant, from the column on. */
  readonly length?: number;
  /** The line, without its end. */
  readonly source?: string;
  readonly message: string;
  readonly help?: string;
}

/** `file:line:col: message (help)`, the form that editors jump to. */
export function formatProblem(problem: PolicyProblem): string {
  const { file, line, col, message, help } = problem;
  return `${file}:${line}:${col}: ${message}${help === undefined ? '' : ` (${help})`}`;
}

const BY_WEIGHT: readonly PolicyFaultCode[] = ['POLICY_PARSE', 'POLICY_INVALID', 'POLICY_UNSUPPORTED', 'POLICY_LINT'];

export function inFileOrder(problems: readonly PolicyProblem[]): readonly PolicyProblem[] {
  const byFile = (a: string, b: string): number => (a === b ? 0 : a < b ? -1 : 1);
  return [...problems].sort((a, b) => byFile(a.file, b.file) || a.line - b.line || a.col - b.col);
}

/** One fault for all problems: its code is the gravest, its message has a line for each, in file order. */
export function policyFault(problems: readonly PolicyProblem[]): Fault {
  const code = BY_WEIGHT.find((weight) => problems.some((problem) => problem.code === weight)) ?? 'POLICY_INVALID';
  const sorted = inFileOrder(problems);
  const cause = Object.assign(new Error(`${sorted.length} problem(s) in the policies`), { problems: sorted });
  return new Fault(code, sorted.map(formatProblem).join('\n'), { cause });
}

/** The problems inside a fault of `policyFault`; empty for anything else. */
export function policyProblemsOf(thrown: unknown): readonly PolicyProblem[] {
  const cause: unknown = thrown instanceof Fault ? thrown.cause : undefined;
  if (!(cause instanceof Error) || !('problems' in cause)) return [];
  return cause.problems as readonly PolicyProblem[];
}
