import { canonicalJson, ENTRY_TYPES, parse, ProducerName, type EntryType } from '#writ/contracts';
import { Fault, messageOf } from '#writ/faults';
import { z } from 'zod';
import { isKeyName, parseVerifyKey, type SigningKey, type VerifyKey } from './key.js';
import { parseVkey, parseWitnessVkey, type NoteKey } from './note-key.js';
import { openNote, signNote } from './note.js';
import { ROLE_PRODUCERS, ROLE_TYPES, ROLES, type Role } from './roles.js';

const TrustedKeyRecord = z.strictObject({
  id: z.string().length(22),
  /** The raw Ed25519 public key in base64url. */
  key: z.string().length(43),
  name: z.string().refine(isKeyName, 'must be a key name'),
  role: z.enum(ROLES),
  producers: z.array(ProducerName).max(1024),
  types: z.array(z.enum(ENTRY_TYPES as [EntryType, ...EntryType[]])).max(256),
});

/** More would not fit under one checkpoint, beside the signatures of the log. */
const WITNESSES_MAX = 64;
const TrustedWitness = z.strictObject({ vkey: z.string().max(512) });

/** Which key may write what, in one ledger. The deployment's root key signs it; everyone who checks the ledger holds it. */
export const TrustBundle = z.strictObject({
  v: z.literal(1),
  ledger: z.string().refine(isKeyName, 'must be an origin'),
  keys: z.array(TrustedKeyRecord).max(10_000),
  /** Who watches this ledger from outside, by their vkeys. Bundles of earlier releases have none. */
  witnesses: z.array(TrustedWitness).min(1).max(WITNESSES_MAX).optional(),
  /** How many of them must have cosigned a checkpoint; all of them where it is not said. */
  quorum: z.int().min(1).max(WITNESSES_MAX).optional(),
});
export type TrustBundle = Readonly<z.infer<typeof TrustBundle>>;
export type TrustedKeyRecord = TrustBundle['keys'][number];

/** The record of a key with everything that its role may write, for the given producers. */
export function trustedKey(key: VerifyKey, name: string, role: Role, producers: readonly string[]): TrustedKeyRecord {
  return { id: key.id, key: key.publicKey, name, role, producers: [...producers], types: [...ROLE_TYPES[role]] };
}

/** The bundle as a note signed by the root key. Throws CONFIG_KEY when the bundle gives a role more than it may have. */
export function signTrustBundle(root: SigningKey, bundle: TrustBundle): string {
  assertSound(bundle);
  return signNote(`${canonicalJson(bundle)}\n`, [root]);
}

/** Opens a bundle that the root key, pinned as a vkey, must have signed. Throws CONFIG_KEY, whatever is wrong with it. */
export function openTrustBundle(note: string, rootVkey: string): TrustBundle {
  const text = openBundleNote(note, rootVkey);
  const bundle = parse(TrustBundle, parseJson(text), 'CONFIG_KEY');
  if (`${canonicalJson(bundle)}\n` !== text) throw new Fault('CONFIG_KEY', 'the trust bundle is not canonical JSON');
  assertSound(bundle);
  return bundle;
}

function openBundleNote(note: string, rootVkey: string): string {
  const root = parseVkey(rootVkey);
  try {
    return openNote(note, [root]).text;
  } catch (cause) {
    throw new Fault('CONFIG_KEY', `the trust bundle is not signed by the root key \`${root.name}\``, { cause });
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Fault('CONFIG_KEY', 'the trust bundle is not JSON', { cause: messageOf(cause) });
  }
}

/** The bundle as this release would make it: roles may have got types of entries that an earlier release did not know. */
export function withCurrentTypes(bundle: TrustBundle): TrustBundle {
  return { ...bundle, keys: bundle.keys.map((record) => ({ ...record, types: [...ROLE_TYPES[record.role]] })) };
}

/** Each id is that of its key and stands once; no key exceeds its role. A slip of the root's holder must not make an executor a judge. */
function assertSound(bundle: TrustBundle): void {
  const ids = new Set<string>();
  for (const record of bundle.keys) {
    if (parseVerifyKey(record.key).id !== record.id)
      throw new Fault('CONFIG_KEY', `the id of key \`${record.name}\` is not that of its key`);
    if (ids.has(record.id))
      throw new Fault('CONFIG_KEY', `the key \`${record.name}\` stands twice in the trust bundle`);
    ids.add(record.id);
    const type = record.types.find((each) => !ROLE_TYPES[record.role].includes(each));
    const producer = record.producers.find((each) => !ROLE_PRODUCERS[record.role].test(each));
    const excess = type ?? producer;
    if (excess !== undefined)
      throw new Fault(
        'CONFIG_KEY',
        `the key \`${record.name}\` of role \`${record.role}\` may not write \`${excess}\``,
      );
  }
  assertWitnesses(bundle, ids);
}

/**
 * Each witness is somebody else: a key of its own, under a name of its own. One witness that stands twice would be a quorum of
 * two, and a witness whose key is the log's would be the operator watching itself.
 */
function assertWitnesses({ witnesses = [], quorum, keys }: TrustBundle, ids: ReadonlySet<string>): void {
  const known = new Set([...ids, ...keys.map(({ name }) => name)]);
  for (const { name, key } of witnesses.map(({ vkey }) => parseWitnessVkey(vkey))) {
    if (known.has(name) || known.has(key.id))
      throw new Fault('CONFIG_KEY', `the witness \`${name}\` has the name or the key of another in the trust bundle`);
    known.add(name).add(key.id);
  }
  if (quorum !== undefined && quorum > witnesses.length)
    throw new Fault('CONFIG_KEY', `the quorum of ${quorum} is more than the ${witnesses.length} witnesses`);
}

/** A key of the bundle, ready to check signatures. */
export interface TrustedKey {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly key: VerifyKey;
  readonly producers: ReadonlySet<string>;
  readonly types: ReadonlySet<string>;
}

/** Answers whose key may write what in one ledger. Built once from an opened bundle. */
export class Authority {
  readonly ledger: string;
  readonly #keys: ReadonlyMap<string, TrustedKey>;

  constructor(bundle: TrustBundle) {
    this.ledger = bundle.ledger;
    this.#keys = new Map(
      bundle.keys.map((record) => [
        record.id,
        {
          id: record.id,
          name: record.name,
          role: record.role,
          key: parseVerifyKey(record.key),
          producers: new Set(record.producers),
          types: new Set<string>(record.types),
        },
      ]),
    );
  }

  keyOf(id: string): TrustedKey | undefined {
    return this.#keys.get(id);
  }

  /** Whether the key may author an entry of this type as this producer. Unknown key, producer or type: no. */
  mayWrite(keyId: string, producer: string, entryType: string): boolean {
    const key = this.#keys.get(keyId);
    return key !== undefined && key.producers.has(producer) && key.types.has(entryType);
  }

  /** The keys that may sign checkpoints of this ledger: role `log`, named as the ledger's origin. */
  logKeys(): NoteKey[] {
    return [...this.#keys.values()].filter((key) => key.role === 'log' && key.name === this.ledger);
  }
}
