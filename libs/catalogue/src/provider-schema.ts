import { z } from 'zod';
import { CredentialName, Origin, Word } from './schema-parts.js';

/** Where a value is on this machine: a variable of the executor's environment, a file, or the encrypted store. */
export const LocalSource = z.union([
  z.strictObject({ env: z.string().min(1) }),
  z.strictObject({ file: z.string().min(1) }),
  z.strictObject({ secret: CredentialName }),
]);

/** Where a value is in a provider under `secrets.providers`. */
export const ProviderSource = z.strictObject({
  provider: CredentialName,
  path: z
    .string()
    .regex(/^[A-Za-z0-9_+=.@:-]+(\/[A-Za-z0-9_+=.@:-]+)*$/, 'must be names with slashes between them')
    .max(512),
  /** The member that is the value, where there are several. */
  field: Word.optional(),
});

/** What every provider has. */
const provider = {
  /** Declares that it lies in a private or loopback network. */
  internal: z.boolean().default(false),
  /** For how long a value that was read is used, at most. 0 reads it for each use. */
  cacheSeconds: z.int().min(0).max(3600).default(30),
};

const VaultProvider = z.strictObject({
  kind: z.literal('vault'),
  url: Origin,
  ...provider,
  /** Path of a KV engine, version 2. */
  mount: z
    .string()
    .regex(/^[A-Za-z0-9_-]+(\/[A-Za-z0-9_-]+)*$/)
    .default('secret'),
  namespace: Word.optional(),
  auth: z.union([
    z.strictObject({ token: LocalSource }),
    z.strictObject({
      roleId: Word,
      secretId: LocalSource,
      /** Path of the AppRole method. */
      method: z
        .string()
        .regex(/^[A-Za-z0-9_-]+$/)
        .default('approle'),
    }),
  ]),
});

const AwsProvider = z.strictObject({
  kind: z.literal('aws-secrets-manager'),
  region: z.string().regex(/^[a-z0-9-]{1,64}$/),
  /** Absent: that of AWS for the region. */
  url: Origin.optional(),
  ...provider,
  accessKeyId: z.string().regex(/^[A-Za-z0-9]{16,128}$/),
  secretAccessKey: LocalSource,
  sessionToken: LocalSource.optional(),
});

/** Where the encrypted store lies, relative to the configuration file, and which other systems hold values. */
export const Secrets = z.strictObject({
  /** Absent: `secrets.json` in the data directory. */
  file: z.string().min(1).optional(),
  /** The age identity that opens it. Absent: `keys/secrets.age` in the data directory. */
  identity: z.string().min(1).optional(),
  providers: z.record(CredentialName, z.discriminatedUnion('kind', [VaultProvider, AwsProvider])).default({}),
});

export type LocalSource = Readonly<z.infer<typeof LocalSource>>;
export type ProviderSource = Readonly<z.infer<typeof ProviderSource>>;
export type ProviderDeclaration = Readonly<z.infer<typeof VaultProvider> | z.infer<typeof AwsProvider>>;
export type ProviderOf<K extends ProviderDeclaration['kind']> = Extract<ProviderDeclaration, { readonly kind: K }>;

/** Origin of a provider: what it is asked at, and nowhere else. */
export function providerOrigin(declared: ProviderDeclaration): string {
  if (declared.kind === 'vault') return declared.url;
  return declared.url ?? `https://secretsmanager.${declared.region}.amazonaws.com`;
}

/** Every place on this machine that is read to ask a provider. */
export function providerSources(declared: ProviderDeclaration): readonly LocalSource[] {
  if (declared.kind === 'vault') return ['token' in declared.auth ? declared.auth.token : declared.auth.secretId];
  const { secretAccessKey, sessionToken } = declared;
  return sessionToken === undefined ? [secretAccessKey] : [secretAccessKey, sessionToken];
}
