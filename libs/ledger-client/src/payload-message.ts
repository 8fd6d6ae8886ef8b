import { parse, PayloadValue } from '#writ/contracts';
import { Fault } from '#writ/faults';
import { BOX_BYTES_MIN, openBox, sealBox } from '#writ/vault';
import { z } from 'zod';

/**
 * The head of a payload message: what the commitments of one block open to. Groups share a key, that is a subject, or an agent, and a
 * day. The head is one line of JSON; behind it stand the boxes, in order, `bytes` long each.
 */
const PayloadHead = z.strictObject({
  v: z.literal(1),
  block: z.string(),
  groups: z.array(z.strictObject({ key: z.string(), bytes: z.int().min(BOX_BYTES_MIN) })),
});
const LINE_FEED = 10;
const Group = z.array(z.strictObject({ entry: z.string(), values: z.array(PayloadValue) }));
type Group = z.infer<typeof Group>;

/** Entries whose values share a data key. */
export interface PlainGroup {
  readonly name: string;
  readonly key: Uint8Array;
  /** JSON of `{entry, values}`, each. */
  readonly members: readonly string[];
}

/** The values of a block as one message. */
export function writePayload(block: string, plain: readonly PlainGroup[]): Uint8Array {
  const groups = plain.map(({ name, key, members }) => ({
    key: name,
    box: sealBox(key, `${block}/${name}`, Buffer.from(`[${members.join(',')}]`)),
  }));
  const head = { v: 1, block, groups: groups.map(({ key, box }) => ({ key, bytes: box.length })) };
  return Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), ...groups.map(({ box }) => box)]);
}

/** A message taken apart: the block that it is of, and what is sealed under which key. */
export interface SealedPayload {
  readonly block: string;
  readonly boxes: readonly { readonly key: string; readonly box: Buffer }[];
}

/** Takes a payload message apart. Throws LEDGER_CORRUPT when it is none. */
export function readPayload(message: Uint8Array): SealedPayload {
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
  const { head, end } = readHead(bytes);
  let at = end + 1;
  const boxes = head.groups.map(({ key, bytes: length }) => {
    const box = bytes.subarray(at, at + length);
    at += length;
    return { key, box };
  });
  return { block: head.block, boxes };
}

/** The block whose values a payload message holds. Throws LEDGER_CORRUPT when it is no payload message. */
export function blockOfPayload(message: Uint8Array): string {
  return readHead(Buffer.from(message.buffer, message.byteOffset, message.byteLength)).head.block;
}

/** What is in one box. Throws LEDGER_CORRUPT when it does not open, or was sealed for another block or under another name. */
export function openGroup(
  block: string,
  name: string,
  sealed: { readonly key: Uint8Array; readonly box: Buffer },
): Group {
  try {
    const plain = openBox(sealed.key, `${block}/${name}`, sealed.box);
    return parse(Group, JSON.parse(plain.toString()), 'LEDGER_CORRUPT');
  } catch (cause) {
    throw new Fault('LEDGER_CORRUPT', `a payload of block \`${block}\` does not open`, { cause });
  }
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
