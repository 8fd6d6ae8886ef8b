import assert from 'node:assert/strict';
import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Step, World } from './step.js';

// Exit codes of `writ ledger verify`. 10: everything holds, and no witness has said so yet.
const VALID_UNWITNESSED = 10;
const INVALID = 40;

/** The exported ledger verifies with nothing but the root key. */
export const ledgerVerifies: Step = {
  name: 'ledger-verifies',
  title: 'the ledger is exported and verified offline, trusting the root key alone',
  run: async (world) => {
    const { runtime, report } = world;
    await runtime.writEndingWith(0, 'ledger', 'export', exportFolder(world), '--data', runtime.data);
    const { stdout } = await runtime.writEndingWith(VALID_UNWITNESSED, ...verifyArgs(world, exportFolder(world)));
    report.say(`$ writ ledger verify\n${stdout.trimEnd()}`);
    return { exit: VALID_UNWITNESSED };
  },
};

/** One byte of a copy is flipped, in the denial of the intern: the verifier names that entry. */
export const tamperingIsFound: Step = {
  name: 'tampering-is-found',
  title: 'one byte of a copy of the ledger is flipped: the denial of intern gets another agent',
  run: async (world) => {
    const { runtime, report, calls, ledger } = world;
    const { id } = await ledger.decisionOf(calls.get('intern/slack') ?? '');
    const copy = join(world.scratch, 'tampered');
    await cp(exportFolder(world), copy, { recursive: true });
    const file = await flipOneByte(copy, id);
    const { stdout, stderr } = await runtime.writEndingWith(INVALID, ...verifyArgs(world, copy));
    const said = `${stdout}${stderr}`.trimEnd();
    report.say(`$ writ ledger verify (a copy, one byte of ${file} flipped)\n${said}`);
    assert.ok(said.includes(id), `the verifier does not name the entry \`${id}\``);
    return { exit: INVALID, entry: id, file };
  },
};

function exportFolder(world: World): string {
  return join(world.scratch, 'ledger');
}

function verifyArgs({ runtime }: World, folder: string): readonly string[] {
  return ['ledger', 'verify', folder, '--root', join(runtime.data, 'keys', 'root.vkey')];
}

/** Turns the agent `intern` of that entry into `hntern` and returns the name of the file. */
async function flipOneByte(folder: string, entryId: string): Promise<string> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const name of names.filter((candidate) => candidate.isFile())) {
    const path = join(name.parentPath, name.name);
    const bytes = await readFile(path);
    const at = offsetOfAgent(bytes, entryId);
    if (at === undefined) continue;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    await writeFile(path, bytes);
    return name.name;
  }
  throw new Error(`no file of the export holds the entry \`${entryId}\``);
}

/** Keys of an entry are sorted, so the first `intern` after its id is its agent. */
function offsetOfAgent(bytes: Buffer, entryId: string): number | undefined {
  const id = bytes.indexOf(entryId);
  const agent = id < 0 ? -1 : bytes.indexOf('intern', id);
  return agent < 0 ? undefined : agent;
}
