import { parseVkey, parseWitnessVkey } from '#writ/signing';
import { collectCosignatures } from '#writ/witness-client';
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { rewriteHistory } from '../rewrite-history.js';
import { verifyLog, type Step, type World } from './step.js';

// Exit code of `writ ledger verify`: nothing in the log is wrong, and nobody outside has said so.
const VALID_UNWITNESSED = 10;

/** Whoever holds every key of the deployment can write a past in which nothing is wrong. The witness has seen another one. */
export const rewrittenHistoryIsRefused: Step = {
  name: 'rewritten-history-is-refused',
  title:
    'the operator changes that denial and signs everything again, with all keys: the witness has seen another past',
  run: async (world) => {
    const { runtime, report, calls, ledger, scratch } = world;
    const { id } = await ledger.decisionOf(calls.get('intern/slack') ?? '');
    const folder = join(scratch, 'rewritten');
    const change = (entry: string) =>
      entry.includes(`"id":"${id}"`) ? entry.replaceAll('"agent":"intern"', '"agent":"support"') : entry;
    const keys = join(runtime.data, 'keys');
    // The log as it is now, not the copy of before: another tree of another size than the witness has would prove nothing.
    const log = join(runtime.data, 'ledger');
    const { size, note } = await rewriteHistory({ from: log, to: folder, keys, change });
    const refusal = await askToCosign(world, note);
    const said = await verifyLog(world, folder, VALID_UNWITNESSED);
    report.say(`$ writ ledger verify (another history, signed by the log and by every producer)\n${said}`);
    report.say(`-> ${refusal}`);
    return { exit: VALID_UNWITNESSED, entry: id, entries: size, refusal };
  },
};

/** Asks the witness to cosign the other history, and returns what came of it; fails when it does. */
async function askToCosign({ witness, report }: World, note: string): Promise<string> {
  const { name, vkey, logVkey, url, state } = witness;
  const { answers } = await collectCosignatures({
    note,
    logKeys: [parseVkey(logVkey)],
    witnesses: [{ key: parseWitnessVkey(vkey), url }],
    knownSizes: new Map(),
    proof: () => Promise.reject(new Error('no proof leads from the one history to the other')),
  });
  const answer = answers[0];
  report.say(`${name} answers ${JSON.stringify(answer)}`);
  assert.ok(answer?.status === 'conflict' && answer.why === 'other_root', 'the witness does not see two histories');
  const files = await readdir(join(state, 'logs'), { recursive: true });
  const fork = files.find((file) => /\/fork-[^/]*$/.test(file));
  assert.ok(fork, 'the witness keeps no proof of the two histories');
  return `the witness refuses, and keeps the other checkpoint, which the log signed, as proof: logs/${fork}`;
}
