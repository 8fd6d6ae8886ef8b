import { type EntryBody, parse } from '#writ/contracts';
import { Fault } from '#writ/faults';
import { z } from 'zod';

/** Names of secrets: they stand in `writ.yaml` and in the ledger. */
const SecretName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/);
const Version = z.int().min(1);

/** One value, sealed. Versions count through the whole store, so that a number names one value for ever. */
const Sealed = z.strictObject({ ver: Version, at: z.iso.datetime(), box: z.base64() });
const Replaced = Sealed.extend({
  /** Until then the value is still taken out of answers. */
  until: z.iso.datetime(),
});

/** A change that the ledger does not have yet. */
const Change = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('credential.set'), secret: SecretName, ver: Version }),
  z.strictObject({
    type: z.literal('credential.rotated'),
    secret: SecretName,
    ver: Version,
    kept: z.int().min(0),
    until: z.iso.datetime().optional(),
  }),
  z.strictObject({ type: z.literal('credential.removed'), secret: SecretName, ver: Version }),
  z.strictObject({ type: z.literal('credential.rekeyed'), count: z.int().min(0), old: z.string(), new: z.string() }),
]);

const PREVIOUS_MAX = 8;
const SECRETS_MAX = 1_024;
/** Far more than anybody changes between two starts. */
const UNRECORDED_MAX = 4_096;

const SecretFile = z.strictObject({
  v: z.literal(1),
  /** The key of the store, wrapped to its age identity: age's armoured form. */
  kek: z.string(),
  /** The highest version that was ever given. */
  last: z.int().min(0),
  secrets: z.record(
    SecretName,
    z.strictObject({ current: Sealed, previous: z.array(Replaced).max(PREVIOUS_MAX).default([]) }),
  ),
  unrecorded: z.array(Change).max(UNRECORDED_MAX),
});

/** Everything that the store has on disk. */
export type SecretFile = Readonly<z.infer<typeof SecretFile>>;
type SecretRecord = SecretFile['secrets'][string];
/** A change of the store as the ledger will have it; never the value. */
export type SecretChange = Extract<EntryBody, { type: `credential.${'set' | 'rotated' | 'removed' | 'rekeyed'}` }>;

/** Makes a sealed value out of its name and version, so that only the caller knows the value. */
type Seal = (version: number) => string;

/** The store that a text is. Throws CONFIG_DATA_DIR_CORRUPT. */
export function parseSecretFile(text: string, file: string): SecretFile {
  try {
    return parse(SecretFile, JSON.parse(text), 'CONFIG_DATA_DIR_CORRUPT');
  } catch {
    // The cause is dropped: what failed while reading may quote what was read.
    throw new Fault('CONFIG_DATA_DIR_CORRUPT', `the secret store \`${file}\` is damaged`);
  }
}

/** A store without secrets. */
export function emptySecretFile(kek: string): SecretFile {
  return { v: 1, kek, last: 0, secrets: {}, unrecorded: [] };
}

/** The record of a name, or undefined. */
export function recordOf({ secrets }: SecretFile, name: string): SecretRecord | undefined {
  // A name such as `constructor` is one, and not what objects inherit.
  return Object.hasOwn(secrets, name) ? secrets[name] : undefined;
}

/** Throws INPUT_BAD_NAME when no secret can have that name. */
export function assertSecretName(name: string): void {
  if (SecretName.safeParse(name).success) return;
  throw new Fault('INPUT_BAD_NAME', 'the name of a secret must match ^[a-z0-9][a-z0-9-]{0,62}$');
}

/** The store with a new secret. Throws CONFIG_NAME_TAKEN, and CONFIG_DATA_DIR when it holds as many as it may. */
export function withSecret(file: SecretFile, name: string, seal: Seal, now: Date): SecretFile {
  if (recordOf(file, name) !== undefined)
    throw new Fault(
      'CONFIG_NAME_TAKEN',
      `there is a secret \`${name}\`: give it a new value with \`writ secret rotate\``,
    );
  if (Object.keys(file.secrets).length >= SECRETS_MAX)
    throw new Fault('CONFIG_DATA_DIR', `the secret store holds ${SECRETS_MAX} secrets, as many as it may`);
  const ver = file.last + 1;
  return {
    ...changed(file, { type: 'credential.set', secret: name, ver }),
    last: ver,
    secrets: { ...file.secrets, [name]: { current: { ver, at: now.toISOString(), box: seal(ver) }, previous: [] } },
  };
}

/** The store with another value of the secret; the one before is kept for scrubbing until `keepUntil`. Throws CONFIG_NOT_FOUND. */
export function withRotated(
  file: SecretFile,
  name: string,
  seal: Seal,
  { now, keepUntil }: { readonly now: Date; readonly keepUntil: Date },
): SecretFile {
  const { current, previous } = existing(file, name);
  const ver = file.last + 1;
  const isKept = keepUntil > now;
  const until = keepUntil.toISOString();
  const kept = isKept ? [{ ...current, until }, ...inForce(previous, now)].slice(0, PREVIOUS_MAX) : [];
  const change = isKept ? { kept: current.ver, until } : { kept: 0 };
  return {
    ...changed(file, { type: 'credential.rotated', secret: name, ver, ...change }),
    last: ver,
    secrets: { ...file.secrets, [name]: { current: { ver, at: now.toISOString(), box: seal(ver) }, previous: kept } },
  };
}

/** The store without the earlier values of the secret; the same store when there are none. Throws CONFIG_NOT_FOUND. */
export function withoutPrevious(file: SecretFile, name: string): SecretFile {
  const { current, previous } = existing(file, name);
  if (previous.length === 0) return file;
  return {
    ...changed(file, { type: 'credential.rotated', secret: name, ver: current.ver, kept: 0 }),
    secrets: { ...file.secrets, [name]: { current, previous: [] } },
  };
}

/** The store without the secret. Throws CONFIG_NOT_FOUND. */
export function withoutSecret(file: SecretFile, name: string): SecretFile {
  const { current } = existing(file, name);
  const others = Object.entries(file.secrets).filter(([other]) => other !== name);
  return {
    ...changed(file, { type: 'credential.removed', secret: name, ver: current.ver }),
    secrets: Object.fromEntries(others),
  };
}

/** The store under another wrapped key: each value, earlier ones too, sealed anew under its own name and version. */
export function withKey(
  file: SecretFile,
  { kek, old, next }: { readonly kek: string; readonly old: string; readonly next: string },
  reseal: (name: string, version: number, box: string) => string,
): SecretFile {
  let count = 0;
  const secrets = Object.entries(file.secrets).map(([name, { current, previous }]) => {
    count += 1 + previous.length;
    const anew = <T extends { readonly ver: number; readonly box: string }>(sealed: T): T => ({
      ...sealed,
      box: reseal(name, sealed.ver, sealed.box),
    });
    return [name, { current: anew(current), previous: previous.map(anew) }] as const;
  });
  const change = { type: 'credential.rekeyed', count, old, new: next } as const;
  return { ...changed(file, change), kek, secrets: Object.fromEntries(secrets) };
}

/** The store without those changes among what the ledger lacks, and without values whose time is over. */
export function tidied(file: SecretFile, recorded: readonly SecretChange[], now: Date): SecretFile {
  const known = new Set(recorded.map((change) => JSON.stringify(change)));
  const secrets = Object.entries(file.secrets).map(
    ([name, { current, previous }]) => [name, { current, previous: inForce(previous, now) }] as const,
  );
  return {
    ...file,
    secrets: Object.fromEntries(secrets),
    unrecorded: file.unrecorded.filter((change) => !known.has(JSON.stringify(change))),
  };
}

/** Those of the earlier values whose time is not over. */
export function inForce(previous: SecretRecord['previous'], now: Date): SecretRecord['previous'] {
  return previous.filter(({ until }) => Date.parse(until) > now.getTime());
}

function existing(file: SecretFile, name: string): SecretRecord {
  const record = recordOf(file, name);
  if (record === undefined) throw new Fault('CONFIG_NOT_FOUND', 'the store has no secret of that name');
  return record;
}

function changed(file: SecretFile, change: SecretChange): SecretFile {
  if (file.unrecorded.length >= UNRECORDED_MAX)
    throw new Fault('CONFIG_DATA_DIR', 'too many changes wait to be recorded: start `writ up`, which records them');
  return { ...file, unrecorded: [...file.unrecorded, change] };
}
