import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { parse, PayloadValue, subjects } from '#writ/contracts';
import { Fault } from '#writ/faults';
import { z } from 'zod';
import type { PayloadLog } from './ports.js';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** An entry's time is its producer's; the message is looked for from a little before it. */
const SKEW_MS = 5_000;

/** The values of one entry, sealed under the data key of its agent and day. */
export interface EntryValues {
  readonly entry: string;
  readonly agent: string;
  /** JSON of an array of `PayloadValue`. */
  readonly values: string;
}

/**
 * The head of a payload message: what the commitments of one block open to. Groups share a key, that is an agent and a day. The
 * head is one line of JSON; behind it stand the boxes, in order, `bytes` long each.
 */
const PayloadHead = z.strictObject({
  v: z.literal(1),
  block: z.string(),
  groups: z.array(z.strictObject({ key: z.string(), bytes: z.int().min(NONCE_BYTES + TAG_BYTES) })),
});
const LINE_FEED = 10;
const KeyMessage = z.strictObject({ v: z.literal(1), key: z.string(), box: z.string() });
const Group = z.array(z.strictObject({ entry: z.string(), values: z.array(PayloadValue) }));

/** Nonce, ciphertext, tag. The additional data binds the box to what it is about: elsewhere it does not open. */
function seal(key: Uint8Array, about: string, plain: Uint8Array): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(about));
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

function open(key: Uint8Array, about: string, bytes: Buffer): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES)).setAAD(Buffer.from(about));
  decipher.setAuthTag(bytes.subarray(bytes.length - TAG_BYTES));
  return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, bytes.length - TAG_BYTES)), decipher.final()]);
}

/**
 * Seals values for one producer boot. A data key is random, per agent and UTC day; it is stored, wrapped by the deployment
 * key, before the first value under it. Deleting the wrapped key erases the values.
 */
export class PayloadSealer {
  readonly #keys = new Map<string, Promise<{ readonly name: string; readonly key: Buffer }>>();

  constructor(
    private readonly log: PayloadLog,
    private readonly deploymentKey: Uint8Array,
    private readonly writer: { readonly tenant: string; readonly producer: string },
  ) {}

  /** One payload message for a block. Resolves when the data keys that it needs are durable. */
  async seal(block: string, entries: readonly EntryValues[], nowMs: number): Promise<Uint8Array> {
    const groups = (await this.#groups(entries, nowMs)).map(({ name, key, members }) => ({
      key: name,
      box: seal(key, `${block}/${name}`, Buffer.from(`[${members.join(',')}]`)),
    }));
    const head = { v: 1, block, groups: groups.map(({ key, box }) => ({ key, bytes: box.length })) };
    return Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), ...groups.map(({ box }) => box)]);
  }

  async #groups(entries: readonly EntryValues[], nowMs: number) {
    const day = new Date(nowMs).toISOString().slice(0, 10);
    const byAgent = new Map<string, string[]>();
    for (const { entry, agent, values } of entries) {
      const members = byAgent.get(agent) ?? [];
      members.push(`{"entry":"${entry}","values":${values}}`);
      byAgent.set(agent, members);
    }
    return Promise.all(
      [...byAgent].map(async ([agent, members]) => ({ ...(await this.#dataKey(agent, day)), members })),
    );
  }

  #dataKey(agent: string, day: string) {
    const id = `${agent}.${day}`;
    const known = this.#keys.get(id);
    if (known !== undefined) return known;
    const made = this.#makeKey(agent, day);
    this.#keys.set(id, made);
    // A key that could not be stored is not used: the next value tries again with a new one.
    made.catch(() => this.#keys.delete(id));
    return made;
  }

  async #makeKey(agent: string, day: string) {
    const key = randomBytes(32);
    const boot = randomBytes(6).toString('hex');
    const name = subjects.payloadKey(this.writer.tenant, agent, `${day}-${boot}`, this.writer.producer);
    const message = { v: 1, key: name, box: seal(this.deploymentKey, name, key).toString('base64') };
    await this.log.appendKey(name, Buffer.from(JSON.stringify(message)));
    return { name, key };
  }
}

/** Opens values again, for the operator and for answers to repeated calls. */
export class PayloadOpener {
  readonly #keys = new Map<string, Buffer>();

  constructor(
    private readonly log: PayloadLog,
    private readonly deploymentKey: Uint8Array,
  ) {}

  /**
   * The values of one entry of a block, or undefined when they are gone (retention, erasure). `writtenAtMs` is the entry's own
   * time.
   */
  async values(where: {
    readonly producer: string;
    readonly block: string;
    readonly entry: string;
    readonly writtenAtMs: number;
  }): Promise<readonly PayloadValue[] | undefined> {
    for await (const bytes of this.log.since(where.producer, where.writtenAtMs - SKEW_MS)) {
      const { head, boxes } = readPayload(Buffer.from(bytes));
      if (head.block !== where.block) continue;
      for (const { key, box } of boxes) {
        const found = (await this.#open(head.block, key, box))?.find((member) => member.entry === where.entry);
        if (found !== undefined) return found.values;
      }
      return undefined;
    }
    return undefined;
  }

  /**
   * Everything in one payload message that still opens, by entry: an erased key takes its values with it. Throws LEDGER_CORRUPT when
   * the message or a key was changed since it was written.
   */
  async open(message: Uint8Array): Promise<ReadonlyMap<string, readonly PayloadValue[]>> {
    const { head, boxes } = readPayload(Buffer.from(message));
    const opened = new Map<string, readonly PayloadValue[]>();
    for (const { key, box } of boxes) {
      for (const { entry, values } of (await this.#open(head.block, key, box)) ?? []) opened.set(entry, values);
    }
    return opened;
  }

  async #open(block: string, keyName: string, box: Buffer) {
    const key = await this.#key(keyName);
    if (key === undefined) return undefined;
    try {
      return parse(Group, JSON.parse(open(key, `${block}/${keyName}`, box).toString()), 'LEDGER_CORRUPT');
    } catch (cause) {
      throw new Fault('LEDGER_CORRUPT', `a payload of block \`${block}\` does not open`, { cause });
    }
  }

  #unwrap(name: string, bytes: Uint8Array): Buffer {
    try {
      const message = parse(KeyMessage, readJson(Buffer.from(bytes)), 'LEDGER_CORRUPT');
      return open(this.deploymentKey, name, Buffer.from(message.box, 'base64'));
    } catch (cause) {
      throw new Fault('LEDGER_CORRUPT', `the data key \`${name}\` does not open`, { cause });
    }
  }

  async #key(name: string): Promise<Buffer | undefined> {
    const known = this.#keys.get(name);
    if (known !== undefined) return known;
    const bytes = await this.log.key(name);
    if (bytes === undefined) return undefined;
    const key = this.#unwrap(name, bytes);
    this.#keys.set(name, key);
    return key;
  }
}

/** The block whose values a payload message holds. Throws LEDGER_CORRUPT when it is no payload message. */
export function blockOfPayload(message: Uint8Array): string {
  return readHead(Buffer.from(message)).head.block;
}

function readHead(bytes: Buffer) {
  const end = bytes.indexOf(LINE_FEED);
  return { head: parse(PayloadHead, readJson(bytes.subarray(0, end)), 'LEDGER_CORRUPT'), end };
}

function readJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch (cause) {
    throw new Fault('LEDGER_CORRUPT', 'a message of the payload store is not JSON', { cause });
  }
}

function readPayload(bytes: Buffer) {
  const { head, end } = readHead(bytes);
  let at = end + 1;
  const boxes = head.groups.map(({ key, bytes: length }) => {
    const box = bytes.subarray(at, at + length);
    at += length;
    return { key, box };
  });
  return { head, boxes };
}
