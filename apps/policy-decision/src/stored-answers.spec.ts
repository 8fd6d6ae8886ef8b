import { type ActionRequest, canonicalJson, type JsonObject, type PayloadValue, type Progress } from '#writ/contracts';
import { digestOf } from '#writ/authorisation';
import { Calls } from './calls.js';
import { completed, decided, ended, placed } from './entries.fixture.js';
import type { Shard } from './ports.js';
import { type ReadValues, StoredAnswers } from './stored-answers.js';

const request: ActionRequest = { kind: 'tool.call', v: 1, call: 'c', tool: 'act', args: { marker: 'x' } };
const DIGEST = digestOf('tool.call', 'act', canonicalJson({ marker: 'x' }));

/** A shard with what the ledger says, and by the sequence of an entry the values that are still stored and how far the call is. */
function aShard(
  entries: readonly ReturnType<typeof placed>[],
  values: Readonly<Record<number, JsonObject>> = {},
  progress: Readonly<Record<number, Progress>> = {},
) {
  const calls = new Calls('default');
  for (const entry of entries) calls.apply(entry);
  const shard: Shard = { calls, append: () => Promise.reject(new Error('answering again records nothing')) };
  const readValues: ReadValues = ({ seq }) => {
    const found = Object.entries(values[seq] ?? {});
    const opened = found.map(([path, value]): PayloadValue => ({ path, salt: 'A'.repeat(22), value }));
    return Promise.resolve(opened.length === 0 ? undefined : opened);
  };
  const stored = new StoredAnswers(readValues, ({ seq }) => progress[seq]);
  return { shard, stored };
}

describe('StoredAnswers', () => {
  it.each([
    ['pending while it is open', [placed(1, decided('c'))], {}, { status: 'pending' }],
    [
      'denied as it was, with the same words',
      [placed(1, decided('c', 'deny'))],
      { 1: { '/reason': 'ask the staff' } },
      { status: 'denied', code: 'policy_forbids', reason: 'ask the staff' },
    ],
    [
      'its outcome, redactions included',
      [placed(1, decided('c')), placed(2, completed('c', 1))],
      { 2: { '/out': { status: 'completed', output: { a: 1 }, redactions: [{ path: '/b', kind: 'email', n: 1 }] } } },
      { status: 'completed', output: { a: 1 }, redactions: [{ path: '/b', kind: 'email', n: 1 }] },
    ],
    [
      'that its result is no longer stored',
      [placed(1, decided('c')), placed(2, completed('c', 1))],
      {},
      { status: 'failed', code: 'EXECUTOR_FAILED', message: 'the result is no longer stored' },
    ],
    ['expired', [placed(1, decided('c')), placed(2, ended('call.expired', 'c', 1))], {}, { status: 'expired' }],
    [
      'indeterminate',
      [placed(1, decided('c')), placed(2, ended('call.indeterminate', 'c', 1))],
      {},
      { status: 'indeterminate' },
    ],
  ])('tells of a call: %s', async (_case, entries, values, answer) => {
    const { shard, stored } = aShard(entries, values as Readonly<Record<number, JsonObject>>);
    await expect(stored.of(shard, 'alice', 'c')).resolves.toMatchObject({ v: 1, call: 'c', ...answer });
  });

  it('tells how far a call is while it is open, to its own agent and to nobody else', async () => {
    const progress = { progress: 3, total: 10 };
    const open = aShard([placed(1, decided('c'))], {}, { 1: progress });
    await expect(open.stored.of(open.shard, 'alice', 'c')).resolves.toMatchObject({ status: 'pending', progress });
    await expect(open.stored.of(open.shard, 'gus', 'c')).rejects.toMatchObject({ code: 'INPUT_UNKNOWN_CALL' });
    const over = aShard([placed(1, decided('c')), placed(2, ended('call.expired', 'c', 1))], {}, { 1: progress });
    await expect(over.stored.of(over.shard, 'alice', 'c')).resolves.not.toHaveProperty('progress');
  });

  it('knows nothing of a call of another agent', async () => {
    const { shard, stored } = aShard([placed(1, decided('c'))]);
    await expect(stored.of(shard, 'gus', 'c')).rejects.toMatchObject({ code: 'INPUT_UNKNOWN_CALL' });
  });

  it('tells a stored outcome that is none from an answer: what the store says is checked', async () => {
    const entries = [placed(1, decided('c')), placed(2, completed('c', 1))];
    const { shard, stored } = aShard(entries, { 2: { '/out': { status: 'completed', surprise: true } } });
    await expect(stored.of(shard, 'alice', 'c')).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' });
  });

  it('answers the same request again, by the arguments that are stored, in a process that did not decide it', async () => {
    const { shard, stored } = aShard([placed(1, decided('c'))], { 1: { '/in': { marker: 'x' } } });
    await expect(stored.again(shard, 'alice', request, DIGEST)).resolves.toMatchObject({ status: 'pending' });
    const other = digestOf('tool.call', 'act', canonicalJson({ marker: 'y' }));
    await expect(stored.again(shard, 'alice', request, other)).rejects.toMatchObject({ code: 'INPUT_CALL_ID_REUSED' });
  });

  it('refuses an id whose arguments are no longer stored: nobody can say that it asks for the same', async () => {
    const { shard, stored } = aShard([placed(1, decided('c'))]);
    await expect(stored.again(shard, 'alice', request, DIGEST)).rejects.toMatchObject({ code: 'INPUT_CALL_ID_REUSED' });
  });

  it('says pending to the same request while it is being decided, and refuses another one', async () => {
    const { shard, stored } = aShard([]);
    shard.calls.reserve('alice', 'c', {
      digest: DIGEST,
      isAllow: false,
      action: { kind: 'tool.call', resource: 'act', nowMs: 0 },
    });
    await expect(stored.again(shard, 'alice', request, DIGEST)).resolves.toEqual({
      v: 1,
      call: 'c',
      status: 'pending',
    });
    await expect(stored.again(shard, 'alice', request, 'other')).rejects.toMatchObject({
      code: 'INPUT_CALL_ID_REUSED',
    });
  });
});
