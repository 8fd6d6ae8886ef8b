import { type JsonObject, JsonRecord, parse } from '#writ/contracts';
import { toFault } from '#writ/faults';
import { z } from 'zod';

const Word = z.string().min(1).max(256);

/** One question of AuthZEN 1.0: may the subject do the action to the resource. Properties and context are claims of the caller. */
export const AccessRequest = z.strictObject({
  subject: z.strictObject({ type: Word, id: Word, properties: JsonRecord.optional() }),
  action: z.strictObject({ name: Word, properties: JsonRecord.optional() }),
  resource: z.strictObject({ type: Word, id: z.string().min(1).max(512), properties: JsonRecord.optional() }),
  context: JsonRecord.optional(),
});
export type AccessRequest = Readonly<z.infer<typeof AccessRequest>>;

/** Many questions in one message. What an evaluation does not say is taken from the top level, member by member. */
const AccessRequests = z.strictObject({
  subject: z.unknown().optional(),
  action: z.unknown().optional(),
  resource: z.unknown().optional(),
  context: z.unknown().optional(),
  evaluations: z.array(JsonRecord).max(100).default([]),
  options: z
    .looseObject({
      evaluations_semantic: z
        .enum(['execute_all', 'deny_on_first_deny', 'permit_on_first_permit'])
        .default('execute_all'),
    })
    .prefault({}),
});

export type Semantic = z.infer<typeof AccessRequests>['options']['evaluations_semantic'];

/** One of many questions, or what is wrong with it. */
export type Item = { readonly asked: AccessRequest } | { readonly problem: string };

export interface ItemList {
  /** Empty: the message is one question, which stands at its top level. */
  readonly items: readonly Item[];
  readonly semantic: Semantic;
}

/** Reads a message of `/access/v1/evaluations`. Throws INPUT_INVALID when it is none; a bad item is only a bad item. */
export function readItems(body: unknown): ItemList {
  const { evaluations, options, ...defaults } = parse(AccessRequests, body);
  return {
    items: evaluations.map((item) => readItem({ ...defaults, ...item })),
    semantic: options.evaluations_semantic,
  };
}

function readItem(item: Readonly<Record<string, unknown>>): Item {
  try {
    return { asked: parse(AccessRequest, item) };
  } catch (thrown) {
    return { problem: toFault(thrown).message };
  }
}

/** What a message of `/access/v1/evaluations` without evaluations asks. */
export function withoutBatch(body: JsonObject): JsonObject {
  const { evaluations: _evaluations, options: _options, ...one } = body;
  return one;
}
