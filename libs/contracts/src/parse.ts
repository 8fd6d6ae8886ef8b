import { Fault, type FaultCode } from '#writ/faults';
import type { z } from 'zod';

/**
 * The one door for outside data: an unknown value becomes a typed one, or a Fault that names the first wrong field.
 * Values never appear in the message, only paths: the value may be a secret.
 */
export function parse<T>(schema: z.ZodType<T>, data: unknown, code: FaultCode = 'INPUT_INVALID'): T {
  const result = schema.safeParse(data);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const path = issue === undefined ? '' : issue.path.map(String).join('.');
  throw new Fault(code, `${path === '' ? 'the message' : `\`${path}\``}: ${lowerFirst(issue?.message ?? 'invalid')}`);
}

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1);
}
