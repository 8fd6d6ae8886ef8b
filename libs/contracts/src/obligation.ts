import { z } from 'zod';

/** The kinds of secrets and personal data that the detectors of `libs/redaction` know. */
export const DETECTORS = [
  'email',
  'phone',
  'card',
  'iban',
  'ssn',
  'ipv4',
  'aws-key',
  'github-token',
  'slack-token',
  'jwt',
  'private-key',
  'api-key',
  'password',
] as const;
export const Detector = z.enum(DETECTORS);
export type Detector = z.infer<typeof Detector>;

/**
 * What an executor or the decision service must do on an allow. An obligation of an unknown type denies. `paths` are JSON
 * Pointers (RFC 6901) in which a token `*` stands for every member or element and `**` for any number of levels.
 */
export const Obligation = z.strictObject({
  type: z.literal('redact'),
  target: z.enum(['input', 'output']),
  paths: z
    .array(z.string().regex(/^(\/[^/]*)+$/))
    .max(64)
    .optional(),
  detectors: z.array(Detector).max(DETECTORS.length).optional(),
});
export type Obligation = Readonly<z.infer<typeof Obligation>>;
export const Obligations = z.array(Obligation).max(32);

/** What was redacted: where and what kind, never the value. */
export const Redaction = z.strictObject({ path: z.string().max(512), kind: z.string().max(64), n: z.int().min(1) });
export type Redaction = Readonly<z.infer<typeof Redaction>>;
