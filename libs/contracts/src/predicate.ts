import { z } from 'zod';

/**
 * Which memory records a decision lets through: a typed predicate over the attributes of a Record. The policy engine makes
 * it, the decision commits to it, the memory executor translates it to SQL. Every attribute is required and never null, so
 * two-valued logic is exact.
 */
export const RECORD_TEXT_FIELDS = ['id', 'owner'] as const;
export const RECORD_SET_FIELDS = ['labels'] as const;
export type RecordTextField = (typeof RECORD_TEXT_FIELDS)[number];
export type RecordSetField = (typeof RECORD_SET_FIELDS)[number];

export type Predicate =
  | { readonly op: 'true' | 'false' }
  | { readonly op: 'and' | 'or'; readonly args: readonly Predicate[] }
  | { readonly op: 'not'; readonly arg: Predicate }
  | { readonly op: 'eq'; readonly field: RecordTextField; readonly value: string }
  | { readonly op: 'oneOf'; readonly field: RecordTextField; readonly values: readonly string[] }
  /** Cedar `like`: null is the wildcard, text is literal. */
  | { readonly op: 'like'; readonly field: RecordTextField; readonly pattern: readonly (string | null)[] }
  | { readonly op: 'contains'; readonly field: RecordSetField; readonly value: string }
  | {
      readonly op: 'containsAny' | 'containsAll' | 'subsetOf';
      readonly field: RecordSetField;
      readonly values: readonly string[];
    }
  | { readonly op: 'isEmpty'; readonly field: RecordSetField };

const TextField = z.enum(RECORD_TEXT_FIELDS);
const SetField = z.enum(RECORD_SET_FIELDS);
const Values = z.array(z.string()).max(1000);

export const Predicate: z.ZodType<Predicate> = z.lazy(() =>
  z.union([
    z.strictObject({ op: z.enum(['true', 'false']) }),
    z.strictObject({ op: z.enum(['and', 'or']), args: z.array(Predicate).max(1000) }),
    z.strictObject({ op: z.literal('not'), arg: Predicate }),
    z.strictObject({ op: z.literal('eq'), field: TextField, value: z.string() }),
    z.strictObject({ op: z.literal('oneOf'), field: TextField, values: Values }),
    z.strictObject({
      op: z.literal('like'),
      field: TextField,
      pattern: z.array(z.union([z.string(), z.null()])).max(1000),
    }),
    z.strictObject({ op: z.literal('contains'), field: SetField, value: z.string() }),
    z.strictObject({ op: z.enum(['containsAny', 'containsAll', 'subsetOf']), field: SetField, values: Values }),
    z.strictObject({ op: z.literal('isEmpty'), field: SetField }),
  ]),
);

/** How many parts a predicate has: itself and all that it joins or negates. */
export function predicateSize(predicate: Predicate): number {
  if (predicate.op === 'not') return 1 + predicateSize(predicate.arg);
  if (predicate.op !== 'and' && predicate.op !== 'or') return 1;
  return predicate.args.reduce((size, arg) => size + predicateSize(arg), 1);
}

/** How many levels a predicate has; 1 when it joins and negates nothing. */
export function predicateDepth(predicate: Predicate): number {
  if (predicate.op === 'not') return 1 + predicateDepth(predicate.arg);
  if (predicate.op !== 'and' && predicate.op !== 'or') return 1;
  return 1 + Math.max(0, ...predicate.args.map(predicateDepth));
}

/** Of a predicate that somebody wrote: an agent in a request, or an author in an obligation. */
const WRITTEN_SIZE_MAX = 100;
const WRITTEN_DEPTH_MAX = 8;

/** Whether a written predicate is small enough to be put into a statement beside what the policies let through. */
export function isSmallPredicate(predicate: Predicate): boolean {
  return predicateSize(predicate) <= WRITTEN_SIZE_MAX && predicateDepth(predicate) <= WRITTEN_DEPTH_MAX;
}
