import type { z } from 'zod';
import type { FaultAt } from './yaml-source.js';

/** The value as the schema takes it. Throws the fault of the first problem, at its place; the message holds no value. */
export function validate<T>(schema: z.ZodType<T>, value: unknown, faultAt: FaultAt): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue, ...others] = nearest(result.error.issues);
  const path = (issue?.path ?? []).map((step) => (typeof step === 'number' ? step : String(step)));
  const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
  if (issue?.code === 'unrecognized_keys') {
    throw faultAt([...path, issue.keys[0] ?? ''], `there is no such field${more}`);
  }
  const message = issue?.message ?? 'is invalid';
  throw faultAt(path, `${message.slice(0, 1).toLowerCase()}${message.slice(1)}${more}`);
}

/** Of a value that may be one of several things, what is wrong with it as the one that it is nearest to. */
function nearest(issues: readonly z.core.$ZodIssue[]): readonly z.core.$ZodIssue[] {
  const [issue] = issues;
  if (issue?.code !== 'invalid_union' || issue.errors.length === 0) return issues;
  const branches = issue.errors.map(nearest);
  const [best = []] = branches.toSorted((one, other) => one.length - other.length);
  return best.map((each) => ({ ...each, path: [...issue.path, ...each.path] }));
}
