import type { ActionRequest, JsonObject, PayloadValue } from '#writ/contracts';
import { asText, digestOf } from './asked.js';
import { Calls } from './calls.js';
import { completed, decided, ended, placed } from './entries.fixture.js';
import type { Shard } from './ports.js';
import { StoredAnswers } from './stored-answers.js';

const request: ActionRequest = { kind: 'tool.call', v: 1, call: 'c', tool: 'act', args: { marker: 'x' } };
const DIGEST = digestOf('tool.call', 'act', asText({ marker: 'x' }));

/** A shard with what the ledger says, and the values that are still stored, by the sequence of their entry. */
function aShard(entries: readonly ReturnType<typeof placed>[], values: Readonly<Record<number, JsonObject>> = {}) {
  const calls = new Calls('default');
  for (const entry of entries) calls.apply(entry);
  const shard: Shard = { calls, append: () => Promise.reject(new Error('answering again records nothing')) };
  const stored = new StoredAnswers(({ seq }) => {
    const found = Object.entries(values[seq] ?? {});
    const opened = found.map(([path, value]): PayloadValue => ({ path, salt: 'A'.repeat(22), value }));
    return Promise.resolve(opened.length === 0 ? undefined : opened);
  });
  return { shard, stored };
}
