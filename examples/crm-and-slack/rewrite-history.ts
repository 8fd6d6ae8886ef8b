import { parseSigningKey, type SigningKey } from '#writ/signing';
import {
  FIRST_PREV,
  growLog,
  Integrator,
  type LedgerMessage,
  openTrust,
  readLeaves,
  sealBlock,
  signCheckpoint,
} from '#writ/tlog';
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';

const BlockLine = z.object({
  first: z.int(),
  count: z.int(),
  seq: z.int(),
  header: z.object({ boot: z.string(), key: z.string(), ledger: z.string(), n: z.int(), producer: z.string() }),
});
const RefusedLine = z.object({ first: z.int(), count: z.int(), seq: z.int(), subject: z.string() });
const Line = z.union([BlockLine, RefusedLine]);
type Line = z.infer<typeof Line>;

interface Forgery {
  /** The log as it is. */
  readonly from: string;
  /** Gets the log as it is to have been. */
  readonly to: string;
  /** The folder with the keys of the log and of every producer. */
  readonly keys: string;
  /** What each entry is to have said. */
  readonly change: (entry: string) => string;
}

interface Rewritten {
  readonly size: number;
  /** The new checkpoint, signed by the key of the log. */
  readonly note: string;
}

/**
 * Writes another history of the same size, as somebody can who holds every key of a deployment: changed entries, every block from
 * there on signed again by its producer, a new tree, a new checkpoint. Nothing inside the result is wrong.
 */
export async function rewriteHistory({ from, to, keys, change }: Forgery): Promise<Rewritten> {
  const read = (path: string): Promise<Buffer> => readFile(join(from, path));
  const { authority } = openTrust(String(await read('bundle')), String(await read('root.vkey')).trim());
  const producers = await producerKeys(join(keys, 'producers'));
  const logKey = await keyIn(join(keys, 'log.key'));
  const lines = await linesOf(from);
  const size = lines.reduce((end, { first, count }) => Math.max(end, first + count), 0);
  const entries = (await readLeaves({ from: 0, to: size, size }, read)).map(change);
  const integrator = new Integrator(authority);
  const integrated = messagesOf(lines, entries, producers).map((message) => integrator.integrate(message));
  const nothing = (path: string): Promise<Buffer> => Promise.reject(new Error(`\`${path}\` is not there`));
  for (const { path, bytes } of await growLog({ size: 0, messages: 0 }, integrated, nothing))
    await put(to, path, bytes);
  for (const file of ['bundle', 'root.vkey']) await cp(join(from, file), join(to, file));
  const root = integrator.root().toString('base64url');
  const note = signCheckpoint({ origin: logKey.name, size: integrator.size, root }, logKey);
  await put(to, 'checkpoint', note);
  return { size: integrator.size, note };
}

async function linesOf(folder: string): Promise<readonly Line[]> {
  const names = (await readdir(join(folder, 'blocks'))).filter((name) => name.endsWith('.jsonl')).toSorted();
  const texts = await Promise.all(names.map((name) => readFile(join(folder, 'blocks', name), 'utf8')));
  const lines = texts.flatMap((text) => text.trimEnd().split('\n'));
  return lines.map((line) => Line.parse(JSON.parse(line)));
}

/** The stream as it would have been. What was changed changes the hash of its block, and so every later block of its producer. */
function messagesOf(
  lines: readonly Line[],
  entries: readonly string[],
  producers: ReadonlyMap<string, SigningKey>,
): readonly LedgerMessage[] {
  const newest = new Map<string, string>();
  return lines.map((line) => {
    // The bytes of a message that was refused are in no log: another one that is refused takes its place.
    if (!('header' in line)) return { seq: line.seq, subject: line.subject, data: Buffer.from('refused') };
    const { producer, key, ...header } = line.header;
    const signer = producers.get(key);
    if (signer === undefined) throw new Error(`the key \`${key}\` of \`${producer}\` is not there`);
    const own = entries.slice(line.first, line.first + line.count);
    const prev = newest.get(producer) ?? FIRST_PREV;
    const { bytes, hash } = sealBlock({ ...header, producer, prev, entries: own }, signer);
    newest.set(producer, hash);
    return { seq: line.seq, subject: `ledger.block.${producer}`, data: bytes };
  });
}

async function producerKeys(folder: string): Promise<ReadonlyMap<string, SigningKey>> {
  const keys = await Promise.all((await readdir(folder)).map((name) => keyIn(join(folder, name))));
  return new Map(keys.map((key) => [key.id, key]));
}

async function keyIn(file: string): Promise<SigningKey> {
  return parseSigningKey(await readFile(file, 'utf8'));
}

async function put(folder: string, path: string, content: string | Uint8Array): Promise<void> {
  const file = join(folder, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content);
}
