import { createHash } from 'node:crypto';
import { canonicalJson, type Json, JsonRecord } from '#writ/contracts';
import { z } from 'zod';

/** Names one entity of Cedar: `Agent::"support"` is `{type: 'Agent', id: 'support'}`. */
export const EntityUid = z.strictObject({ type: z.string().min(1), id: z.string() });
export type EntityUid = Readonly<z.infer<typeof EntityUid>>;

/**
 * An entity with its attributes, its direct parents and its tags. Attributes and tags of entity data may use Cedar's escapes
 * `__entity` and `__extn`; requests may not.
 */
export const Entity = z.strictObject({
  uid: EntityUid,
  attrs: JsonRecord,
  parents: z.array(EntityUid),
  tags: JsonRecord.optional(),
});
export type Entity = Readonly<z.infer<typeof Entity>>;

const PartScope = z.union([
  z.strictObject({ op: z.literal('All') }),
  z.strictObject({ op: z.enum(['==', 'in']), entity: EntityUid }),
  z.strictObject({
    op: z.literal('is'),
    entity_type: z.string(),
    in: z.strictObject({ entity: EntityUid }).optional(),
  }),
]);
const ActionScope = z.union([
  z.strictObject({ op: z.literal('All') }),
  z.strictObject({ op: z.enum(['==', 'in']), entity: EntityUid }),
  z.strictObject({ op: z.literal('in'), entities: z.array(EntityUid) }),
]);
/** Kept as it is, not copied: a copy would lose a member named `__proto__`, and with it what the policy says. */
const ExpressionJson = z.custom<Json>((value) => typeof value === 'object' && value !== null);
/** Cedar's JSON form of one static policy. Expressions stay JSON here; the compiler reads them and refuses what it does not know. */
export const PolicyJson = z.strictObject({
  effect: z.enum(['permit', 'forbid']),
  principal: PartScope,
  action: ActionScope,
  resource: PartScope,
  conditions: z.array(z.strictObject({ kind: z.enum(['when', 'unless']), body: ExpressionJson })),
  annotations: z.record(z.string(), z.string().nullable()).optional(),
});
export type PolicyJson = Readonly<z.infer<typeof PolicyJson>>;
export type PartScope = Readonly<z.infer<typeof PartScope>>;
export type ActionScope = Readonly<z.infer<typeof ActionScope>>;

/** What a policy is for: `policies` permit and forbid; `obligations` say what must be done on every allow that they match. */
export const POLICY_SETS = ['policies', 'obligations'] as const;
export type PolicySetName = (typeof POLICY_SETS)[number];

/** One policy: its exact text, where that text starts (columns count UTF-16 units), and Cedar's own reading of it. */
export const PolicySource = z.strictObject({
  set: z.enum(POLICY_SETS),
  id: z.string().min(1).max(256),
  file: z.string().min(1).max(256),
  line: z.int().min(1),
  col: z.int().min(1),
  text: z.string(),
  est: PolicyJson,
  annotations: z.record(z.string(), z.string()),
});
export type PolicySource = Readonly<z.infer<typeof PolicySource>>;

/** What the loader makes and the decision service compiles. */
export const PolicyBundle = z.strictObject({
  v: z.literal(1),
  hash: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  cedarVersion: z.string().min(1),
  policies: z.array(PolicySource),
});
export type PolicyBundle = Readonly<z.infer<typeof PolicyBundle>>;

/** Names a set of policies by content: SHA-256 over the (set, id, text) triples in order and the version of Cedar. */
export function bundleHash(
  policies: readonly Pick<PolicySource, 'set' | 'id' | 'text'>[],
  cedarVersion: string,
): string {
  const triples = policies.map(({ set, id, text }) => [set, id, text]);
  triples.sort((a, b) => (a.join('\0') < b.join('\0') ? -1 : 1));
  const digest = createHash('sha256').update(canonicalJson(['writ-policies/v2', cedarVersion, triples]));
  return `sha256:${digest.digest('hex')}`;
}
