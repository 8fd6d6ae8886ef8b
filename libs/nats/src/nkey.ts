import { Fault } from '#writ/faults';
import { nkeys } from 'nats';

/** A user of the bus: the seed is the secret, the public key is what the server knows. */
export interface UserNkey {
  readonly seed: string;
  readonly publicKey: string;
}

/** A fresh user key from the system's random source. */
export function createUserNkey(): UserNkey {
  const pair = nkeys.createUser();
  return { seed: new TextDecoder().decode(pair.getSeed()), publicKey: pair.getPublicKey() };
}

/** The user key of a seed, or CONFIG_KEY. The message never repeats the seed. */
export function parseUserNkey(seed: string): UserNkey {
  const text = seed.trim();
  try {
    const publicKey = nkeys.fromSeed(new TextEncoder().encode(text)).getPublicKey();
    if (publicKey.startsWith('U')) return { seed: text, publicKey };
  } catch {
    // Told below; the cause could hold a part of the seed.
  }
  throw new Fault('CONFIG_KEY', 'a seed of a bus user is damaged');
}
