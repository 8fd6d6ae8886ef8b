import assert from 'node:assert/strict';
import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { z } from 'zod';
import { untilSealed } from '../sealed-log.js';
import { exportFolder, verifyLog, type Step, type World } from './step.js';

// Exit codes of `writ ledger verify`. 0: everything holds, and the witness of the security team has said so.
const WITNESSED = 0;
const INVALID = 40;

/** The log as its sealer wrote it verifies with nothing but the root key, and the witness has cosigned its newest checkpoint. */
export const ledgerVerifies: Step = {
  name: 'ledger-verifies',
  title: 'a copy of the log is verified offline, trusting the root key alone; the security team cosigned it',
  run: async (world) => {
    const { runtime, report, witness } = world;
    const log = join(runtime.data, 'ledger');
    const size = await untilSealed(log, { lastSeq: await lastSeq(world), witness: witness.name });
    await cp(log, exportFolder(world), { recursive: true });
    const said = await verifyLog(world, exportFolder(world), WITNESSED);
    report.say(`$ writ ledger verify\n${said}`);
    assert.match(said, /^WITNESSED/, 'the verifier does not say WITNESSED');
    assert.ok(said.includes(witness.name), `the verifier does not name the witness \`${witness.name}\``);
    return { exit: WITNESSED, entries: size, witness: witness.name };
  },
};

/** One byte of a copy is flipped, in the denial of the intern: the verifier names that entry. */
export const tamperingIsFound: Step = {
  name: 'tampering-is-found',
  title: 'one byte of a copy of the ledger is flipped: the denial of intern gets another agent',
  run: async (world) => {
    const { report, calls, ledger } = world;
    const { id } = await ledger.decisionOf(calls.get('intern/slack') ?? '');
    const copy = join(world.scratch, 'tampered');
    await cp(exportFolder(world), copy, { recursive: true });
    const file = await flipOneByte(copy, id);
    const said = await verifyLog(world, copy, INVALID);
    report.say(`$ writ ledger verify (a copy, one byte of ${file} flipped)\n${said}`);
    assert.ok(said.includes(id), `the verifier does not name the entry \`${id}\``);
    return { exit: INVALID, entry: id, file };
  },
};

const Status = z.object({ streams: z.array(z.object({ stream: z.string(), lastSeq: z.int() })) });

/** Stream sequence of the last message of the ledger. */
async function lastSeq({ runtime }: World): Promise<number> {
  const { stdout } = await runtime.writEndingWith(0, 'ledger', 'status', '--data', runtime.data, '--json');
  const ledger = Status.parse(JSON.parse(stdout)).streams.find(({ stream }) => stream === 'LEDGER');
  assert.ok(ledger, '`writ ledger status` names no ledger');
  return ledger.lastSeq;
}

/**
 * Turns the agent `intern` of that entry into `hntern` and returns the path of the file. Bundles that were replaced may still lie
 * there: the one that counts holds the most entries.
 */
async function flipOneByte(folder: string, entryId: string): Promise<string> {
  const bundles = join(folder, 'tile', 'entries');
  const names = await readdir(bundles, { recursive: true, withFileTypes: true });
  const paths = names.filter((name) => name.isFile()).map((name) => join(name.parentPath, name.name));
  const files = await Promise.all(paths.map(async (path) => ({ path, bytes: await readFile(path) })));
  const newest = files
    .filter(({ bytes }) => offsetOfAgent(bytes, entryId) !== undefined)
    .toSorted((a, b) => b.bytes.length - a.bytes.length)[0];
  assert.ok(newest, `no bundle of the log holds the entry \`${entryId}\``);
  const { path, bytes } = newest;
  const at = offsetOfAgent(bytes, entryId) ?? 0;
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  await writeFile(path, bytes);
  return relative(folder, path);
}

/** Keys of an entry are sorted, so the first `intern` after its id is its agent. */
function offsetOfAgent(bytes: Buffer, entryId: string): number | undefined {
  const id = bytes.indexOf(entryId);
  const agent = id < 0 ? -1 : bytes.indexOf('intern', id);
  return agent < 0 ? undefined : agent;
}
