import { z } from 'zod';

/** Scheme, host and port of a service, as text; that it is canonical is checked where it stands. */
export const Origin = z.string().regex(/^https?:\/\/[^/?#\s]+$/, 'must be an origin such as https://api.example.com');
/** Names of credentials, secrets and servers. */
export const CredentialName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/);
/** An id or a name that another system gave. */
export const Word = z
  .string()
  .regex(/^[\x21-\x7e]{1,256}$/, 'must be 1 to 256 printable ASCII characters without blanks');

/** What TLS has to be, beyond a certificate that is trusted and for its name. */
export const Tls = z.strictObject({
  minVersion: z.enum(['TLSv1.2', 'TLSv1.3']).default('TLSv1.2'),
  /** Certificate authorities in PEM instead of those of the system, relative to the configuration file. */
  caFile: z.string().min(1).optional(),
  /** Digests of public keys (SPKI), one of which the certificate of the server must have. */
  pins: z
    .array(z.string().regex(/^sha256\/[A-Za-z0-9+/]{43}=$/))
    .max(8)
    .default([]),
});

/** A type and a subtype, without parameters. */
export const MEDIA_TYPE = /^[a-z0-9][a-z0-9!#$&^_.+-]*\/[a-z0-9][a-z0-9!#$&^_.+-]*$/;
/** Without a path, and without what could end the header that it stands in or be read as the end of it. */
export const FILE_NAME = /^(?!\.{1,2}$)[^/\\\p{C}\p{Zl}\p{Zp}]{1,255}$/u;
