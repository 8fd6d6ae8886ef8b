import { createHmac, hash, randomBytes } from 'node:crypto';
import { canonicalJson, type Json, type JsonObject } from '#writ/contracts';

const SALT_BYTES = 16;

/** Random bytes are drawn for many salts at once: the system call costs more than the bytes. */
const POOL_BYTES = SALT_BYTES * 256;
let pool = Buffer.alloc(0);
let used = 0;

/** A fresh salt for one commitment: 128 random bits in base64url. Never use a salt twice. */
export function newSalt(): string {
  if (used === pool.length) {
    pool = randomBytes(POOL_BYTES);
    used = 0;
  }
  used += SALT_BYTES;
  return pool.toString('base64url', used - SALT_BYTES, used);
}

/**
 * A salted commitment to a value at a JSON Pointer: `sd:` and the base64url of SHA-256 over the canonical JSON of
 * `[salt, path, value]` (the idea of RFC 9901). It says nothing about the value without the salt.
 */
export function commit(salt: string, path: string, value: Json): string {
  return commitText(salt, path, canonicalJson(value));
}

/** The same for a value whose canonical JSON is at hand. */
export function commitText(salt: string, path: string, canonical: string): string {
  return `sd:${hash('sha256', `["${salt}",${JSON.stringify(path)},${canonical}]`, 'base64url')}`;
}

/** An agent chooses how many members its arguments have, and each costs two hashes. With more they are committed to as one value. */
const MEMBERS_MAX = 32;

/** Commitments to the members of an object, by their names. */
export type MemberCommitments = { readonly [name: string]: string };

/**
 * The commitment to an object of which single members can be disclosed: that to the list of theirs. Each has a salt of its own, which
 * follows from that of the object. Undefined when it has none, or too many: then it is one value.
 */
export function commitMembers(salt: string, path: string, object: JsonObject): string | undefined {
  const members = memberCommitments(salt, path, object);
  return members === undefined ? undefined : commitList(path, members);
}

/** Commitments to the members of such an object; undefined when it is committed to as one value. */
export function memberCommitments(salt: string, path: string, object: JsonObject): MemberCommitments | undefined {
  const entries = Object.entries(object);
  if (entries.length === 0 || entries.length > MEMBERS_MAX) return undefined;
  return Object.fromEntries(
    entries.map(([name, value]) => [
      name,
      commit(memberSalt(salt, memberPath(path, name)), memberPath(path, name), value),
    ]),
  );
}

/** The salt of one member: whoever has it learns neither that of the object nor that of another member. */
export function memberSalt(salt: string, path: string): string {
  const key = Buffer.from(salt, 'base64url');
  return createHmac('sha256', key).update(`writ-member-salt/v1\n${path}`).digest().toString('base64url', 0, SALT_BYTES);
}

/** The commitment to a list of commitments, by name: no name can stand in it twice, so none can be opened in two ways. */
export function commitList(path: string, members: MemberCommitments): string {
  return `sd:${hash('sha256', `[${JSON.stringify(path)},${canonicalJson(members)}]`, 'base64url')}`;
}

/** The JSON Pointer of a member. */
export function memberPath(path: string, name: string): string {
  return `${path}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

/** Whether a commitment is one to that value, as a whole, as earlier releases committed to every value, or by its members. */
export function opensTo(
  commitment: string,
  { salt, path }: { readonly salt: string; readonly path: string },
  value: Json,
): boolean {
  if (commit(salt, path, value) === commitment) return true;
  return isObject(value) && commitMembers(salt, path, value) === commitment;
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
