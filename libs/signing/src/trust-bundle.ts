import {
  canonicalJson,
  CHECKPOINT_CHARACTERS_MAX,
  ENTRY_TYPES,
  parse,
  type PreviousLedger,
  ProducerName,
  type EntryType,
} from '#writ/contracts';
import { Fault, messageOf } from '#writ/faults';
import { z } from 'zod';
import { isKeyName, parseVerifyKey, type SigningKey, type VerifyKey } from './key.js';
import { parseVkey, parseWitnessVkey, type NoteKey } from './note-key.js';
import { openNote, signNote } from './note.js';
import { ROLE_PRODUCERS, ROLE_TYPES, ROLES, type Role } from './roles.js';

/** How far a key counts that was replaced. */
const KeyLimit = z.strictObject({
  /** Blocks: the last message of the stream that counts under it. Absent for the key of a log, which signs none. */
  seq: z.int().min(1).optional(),
  /** Leaves of the log up to there: blocks end by it, and no larger tree is signed by it. */
  size: z.int().min(0),
});

const TrustedKeyRecord = z.strictObject({
  id: z.string().length(22),
  /** The raw Ed25519 public key in base64url. */
  key: z.string().length(43),
  name: z.string().refine(isKeyName, 'must be a key name'),
  role: z.enum(ROLES),
  producers: z.array(ProducerName).max(1024),
  types: z.array(z.enum(ENTRY_TYPES as [EntryType, ...EntryType[]])).max(256),
  /** Id of the key that takes its place: from then on a `producer.revoked` in the ledger may end it. */
  next: z.string().length(22).optional(),
  /** Of the key of a log that took the place of another one: the smallest tree that it signs. */
  from: z.int().min(0).optional(),
  /** Of a key that was replaced. What is before stays valid, and what is behind never is. */
  until: KeyLimit.optional(),
});

const Origin = z.string().refine(isKeyName, 'must be an origin');

/** Ledgers before this one that a bundle names. One that is older is another ledger, whose blocks count for nothing either. */
export const CLOSED_LEDGERS_MAX = 32;
const ClosedLedger = z.strictObject({
  ledger: Origin,
  /** The last message of the stream that is in it, and its last signed head. */
  seq: z.int().min(1),
  size: z.int().min(1),
  root: z.string().length(43),
  /** Of the newest of them: the note of that head. */
  checkpoint: z.string().min(1).max(CHECKPOINT_CHARACTERS_MAX).optional(),
});
/** A ledger that has ended, as the root key vouches for it. */
export type ClosedLedger = Readonly<z.infer<typeof ClosedLedger>>;

/** More would not fit under one checkpoint, beside the signatures of the log. */
const WITNESSES_MAX = 64;
const TrustedWitness = z.strictObject({ vkey: z.string().max(512) });

/** Which key may write what, in one ledger. The deployment's root key signs it; everyone who checks the ledger holds it. */
export const TrustBundle = z.strictObject({
  v: z.literal(1),
  /** Grows with every bundle that the root key signs for the ledger. Bundles of earlier releases have none, which is 0. */
  version: z.int().min(1).optional(),
  ledger: Origin,
  /** The ledger that goes on from this one, and the id of the key of its log: from then on a `ledger.frozen` that names both ends this one. */
  next: z.strictObject({ ledger: Origin, key: z.string().length(22) }).optional(),
  /** The ledgers that ended before this one began, oldest first. */
  closed: z.array(ClosedLedger).min(1).max(CLOSED_LEDGERS_MAX).optional(),
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
  for (const record of bundle.keys) assertRange(record, bundle);
  assertLedgers(bundle);
  assertWitnesses(bundle, ids);
}

/** A key is replaced by one of the same owner and role, and ends only then: otherwise a slip would end a key without another one. */
function assertRange({ name, role, next, from, until }: TrustedKeyRecord, { keys }: TrustBundle): void {
  const successor = keys.find(({ id }) => id === next);
  const isOrdered = role === 'log' ? (from ?? 0) <= (until?.size ?? Infinity) : from === undefined;
  const isPlaced = until === undefined || (next !== undefined && (role === 'log') === (until.seq === undefined));
  const isSucceeded = next === undefined || (successor?.name === name && successor.role === role);
  if (!isOrdered || !isPlaced || !isSucceeded)
    throw new Fault('CONFIG_KEY', `the range of the key \`${name}\` is not that of a key which was replaced`);
}

/** Each ledger has a name of its own and ends behind the one before it: otherwise a name would say two things. */
function assertLedgers({ ledger, next, closed = [] }: TrustBundle): void {
  const names = [...closed.map((each) => each.ledger), ledger, ...(next === undefined ? [] : [next.ledger])];
  const isOrdered = closed.every(({ seq }, at) => seq > (closed[at - 1]?.seq ?? 0));
  const isShown = closed.length === 0 || closed.at(-1)?.checkpoint !== undefined;
  if (new Set(names).size < names.length || !isOrdered || !isShown)
    throw new Fault('CONFIG_KEY', `the ledgers before and after \`${ledger}\` do not follow each other`);
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
  /** The key that takes its place, when there is one. */
  readonly next?: string;
  /** How far it counts, when it was replaced. */
  readonly until?: NonNullable<TrustedKeyRecord['until']>;
}

/** Where a block stands, as far as the reader knows: its message in the stream, or the leaf of the log after its last one. */
export interface BlockPlace {
  readonly seq?: number;
  readonly end?: number;
}

/** Whether a key that may have been replaced no longer counts for a block at that place. */
export function isPastEnd({ until }: TrustedKey, { seq, end }: BlockPlace): boolean {
  if (until === undefined) return false;
  return (seq !== undefined && seq > (until.seq ?? 0)) || (end !== undefined && end > until.size);
}

/** The key of a log, and the sizes of the trees that it may sign, both included. Without sizes: any. */
export interface LogKey extends NoteKey {
  readonly sizes?: { readonly from: number; readonly until: number };
}

/** Answers whose key may write what in one ledger. Built once from an opened bundle. */
export class Authority {
  readonly ledger: string;
  /** Of the bundle; 0 for one of an earlier release. */
  readonly version: number;
  /** The ledger that goes on from this one, when the root key has said so. */
  readonly next: NonNullable<TrustBundle['next']> | undefined;
  /** The ledgers before this one, oldest first. */
  readonly closed: readonly ClosedLedger[];
  /** The first message of the stream that is this ledger's. */
  readonly begins: number;
  readonly #bundle: TrustBundle;
  readonly #before = new Map<number, Authority>();
  readonly #keys: ReadonlyMap<string, TrustedKey>;
  readonly #logKeys: readonly LogKey[];

  constructor(bundle: TrustBundle) {
    this.ledger = bundle.ledger;
    this.version = bundle.version ?? 0;
    this.next = bundle.next;
    this.closed = bundle.closed ?? [];
    this.begins = (this.closed.at(-1)?.seq ?? 0) + 1;
    this.#bundle = bundle;
    this.#keys = new Map(bundle.keys.map((record) => [record.id, trusted(record)]));
    this.#logKeys = bundle.keys
      .filter(({ role, name }) => role === 'log' && name === bundle.ledger)
      .map(({ key, name, from = 0, until }) => ({
        name,
        key: parseVerifyKey(key),
        sizes: { from, until: until?.size ?? Infinity },
      }));
  }

  /**
   * Who may write at that message of the stream: what stands before the beginning of this ledger counts for the ledger that it was
   * written for, and for no other. Keys that ended in it count up to where they ended.
   */
  at(seq: number): Authority {
    const index = this.closed.findIndex((closed) => seq <= closed.seq);
    const ledger = this.closed[index]?.ledger;
    if (ledger === undefined) return this;
    const known = this.#before.get(index);
    if (known !== undefined) return known;
    const { closed: _later, next: _next, ...bundle } = this.#bundle;
    const closed = this.closed.slice(0, index);
    const before = new Authority({ ...bundle, ledger, ...(closed.length > 0 && { closed }) });
    this.#before.set(index, before);
    return before;
  }

  /** The ledger that this one goes on from, with its last checkpoint; undefined when there is none. */
  get previous(): PreviousLedger | undefined {
    const last = this.closed.at(-1);
    if (last?.checkpoint === undefined) return undefined;
    const { ledger, size, root, checkpoint } = last;
    return { ledger, size, root, checkpoint };
  }

  /** Whether a ledger of that name has ended before this one. */
  isClosed(ledger: string): boolean {
    return this.closed.some((closed) => closed.ledger === ledger);
  }

  keyOf(id: string): TrustedKey | undefined {
    return this.#keys.get(id);
  }

  /** Whether the key may author an entry of this type as this producer. Unknown key, producer or type: no. */
  mayWrite(keyId: string, producer: string, entryType: string): boolean {
    const key = this.#keys.get(keyId);
    return key !== undefined && key.producers.has(producer) && key.types.has(entryType);
  }

  /** The keys that sign or signed checkpoints of this ledger, each with its sizes: role `log`, named as the ledger's origin. */
  logKeys(): readonly LogKey[] {
    return this.#logKeys;
  }
}

function trusted({ id, name, role, key, producers, types, next, until }: TrustedKeyRecord): TrustedKey {
  return {
    ...{ id, name, role, key: parseVerifyKey(key), producers: new Set(producers), types: new Set<string>(types) },
    ...(next !== undefined && { next }),
    ...(until !== undefined && { until }),
  };
}
