import { z } from 'zod';

/** Scheme, host and port of a service, as text; that it is canonical is checked where it stands. */
export const Origin = z.string().regex(/^https?:\/\/[^/?#\s]+$/, 'must be an origin such as https://api.example.com');
/** Names of credentials, secrets and servers. */
export const CredentialName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/);
/** An id or a name that another system gave. */
export const Word = z
  .string()
  .regex(/^[\x21-\x7e]{1,256}$/, 'must be 1 to 256 printable ASCII characters without blanks');
