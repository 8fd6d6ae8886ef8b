import { z } from 'zod';

/** Id of a key of the trust bundle. */
const KeyId = z.string().length(22);
const Instance = z.string().max(256);

/** A key of the trust bundle begins to sign blocks for that instance. */
export const producerEnrolled = { instance: Instance, key: KeyId };

/**
 * What comes after this block under `key` counts for nothing. It takes effect only when the trust bundle says that `next` takes its
 * place: the root key decides that a key ends, and this entry where.
 */
export const producerRevoked = { instance: Instance, key: KeyId, next: KeyId };

/**
 * The key of the log changes. `begun`: both sign from now on, the new one no tree below `size`. `ended`: the new one alone signs, and
 * nothing counts that the old one signed above `size`.
 */
export const logKeyRotated = { old: KeyId, new: KeyId, phase: z.enum(['begun', 'ended']), size: z.int().min(0) };
