import { z } from 'zod';
import { LabelName } from './names.js';
import { Predicate } from './predicate.js';

/** The kinds of secrets and personal data that the detectors of `libs/redaction` know. */
export const OWN_DETECTORS = [
  'email',
  'phone',
  'card',
  'iban',
  'ssn',
  'ipv4',
  'ipv6',
  'aws-key',
  'github-token',
  'slack-token',
  'jwt',
  'private-key',
  'api-key',
  'password',
] as const;
/** With `rule-file`: what the rules of the file that the configuration names find. */
export const DETECTORS = [...OWN_DETECTORS, 'rule-file'] as const;
export const Detector = z.enum(DETECTORS);
export type Detector = z.infer<typeof Detector>;

/**
 * What stands in the place of a value: nothing; its kind; its kind and a digest under a key of the tenant, which is the same
 * wherever the same value stands; or a token, which holds the value sealed under the key that seals the values of the call.
 */
const RedactAction = z.enum(['drop', 'mask', 'hash', 'tokenise']);
export type RedactAction = z.infer<typeof RedactAction>;

/** Takes values out. `action` is `mask` when nothing is said. `paths` are JSON Pointers (RFC 6901) in which `*` stands for every member or element, `**` for any number of levels. */
const Redact = z.strictObject({
  type: z.literal('redact'),
  target: z.enum(['input', 'output']),
  paths: z
    .array(z.string().regex(/^(\/[^/]*)+$/))
    .max(64)
    .optional(),
  detectors: z.array(Detector).max(DETECTORS.length).optional(),
  action: RedactAction.optional(),
});
/** At most so many bytes of JSON in the answer, records of a memory query, and milliseconds of work. */
const Limit = z.strictObject({
  type: z.literal('limit'),
  bytes: z.int().min(1).max(262_144).optional(),
  rows: z.int().min(1).max(100).optional(),
  ms: z.int().min(1).max(600_000).optional(),
});
/** Lets only some of the records of a memory operation through, whatever the policies let through. */
const Filter = z.strictObject({ type: z.literal('filter'), where: Predicate });
/** Marks the result: the labels stand in the answer and in the record of the outcome; of a memory write also on what it writes. */
const Label = z.strictObject({ type: z.literal('label'), labels: z.array(LabelName).min(1).max(256) });

/** What an executor or the decision service must do on an allow. An obligation that cannot be carried out denies. */
export const Obligation = z.discriminatedUnion('type', [Redact, Limit, Filter, Label]);
export type Obligation = Readonly<z.infer<typeof Obligation>>;
export type ObligationOf<T extends Obligation['type']> = Extract<Obligation, { type: T }>;
/** Of one decision: the obligations of several policies together. */
export const Obligations = z.array(Obligation).max(256);

/** What could turn a denial into an allow, as the author of the forbid says it. `approvers` is for operators. */
export const Remedy = z.strictObject({
  kind: z.string().regex(/^[a-z][a-z0-9_-]{0,63}$/),
  template: z.string().min(1).max(128).optional(),
  approvers: z.string().min(1).max(256).optional(),
});
export type Remedy = Readonly<z.infer<typeof Remedy>>;

/** What was redacted: where and what kind, never the value. */
export const Redaction = z.strictObject({ path: z.string().max(512), kind: z.string().max(64), n: z.int().min(1) });
export type Redaction = Readonly<z.infer<typeof Redaction>>;
