import { z } from 'zod';

const SecretName = z.string().max(64);
/** Public key of an age identity. */
const AgeRecipient = z.string().regex(/^age1[a-z0-9]{1,120}$/);
/** Of a value in the store: one number names one value for ever. */
const Version = z.int().min(1);

/** A secret is in the store, or is no more. Its value stands nowhere, not even as a hash. */
export const secretChanged = { secret: SecretName, ver: Version };

/**
 * A secret has another value. `kept` is the version before while it is still taken out of answers, which ends at `until`; 0 when
 * earlier ones are not, or are no longer.
 */
export const secretRotated = { ...secretChanged, kept: z.int().min(0), until: z.iso.datetime().optional() };

/**
 * The store of secrets has another key, under another age identity; `count` values were sealed anew, each with its version. `old` and `new` are
 * the public keys of the identities.
 */
export const secretsRekeyed = { count: z.int().min(0), old: AgeRecipient, new: AgeRecipient };
