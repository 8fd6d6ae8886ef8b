import type { BlockLog, LedgerMessage } from '#writ/ledger-client';
import { completedBody, decidedBody, LedgerBuilder } from '../../../test/harness/ledger-builder.js';
import { entriesOfCall, entryById } from './find-call.js';

const HASH = `sha256:${'5b'.repeat(32)}`;

/** A ledger in memory that gives one message at a time, so that every reader has to come back. */
function logOf(messages: readonly LedgerMessage[]): BlockLog {
  return {
    tail: () => Promise.resolve(undefined),
    append: () => Promise.reject(new Error('read only')),
    message: (seq) => Promise.resolve(messages[seq - 1]),
    read: (fromSeq) =>
      Promise.resolve({ messages: messages.slice(fromSeq - 1, fromSeq), isUpToDate: fromSeq >= messages.length }),
  };
}

function ledger() {
  const builder = new LedgerBuilder();
  builder.block('pdp-0', [
    builder.entry('pdp-0', decidedBody('tool.call', 'other', 'allow')),
    builder.entry('pdp-0', decidedBody('tool.call', 'wanted', 'allow')),
  ]);
  builder.block('exec-tool-1', [
    builder.entry('exec-tool-1', completedBody('tool.call', 'other', { seq: 1, i: 0 })),
    builder.entry('exec-tool-1', completedBody('tool.call', 'wanted', { seq: 1, i: 1 })),
    builder.entry('exec-tool-1', {
      type: 'command.refused',
      why: { code: 'COMMAND_REPLAYED' },
      dec: { seq: 1, i: 1 },
      msg: HASH,
    }),
  ]);
  return builder;
}

describe('entriesOfCall', () => {
  it('finds the decision, the outcome and refused commands of a call, in stream order', async () => {
    const { messages, deployment } = ledger();
    const found = await entriesOfCall({ blocks: logOf(messages), authority: deployment.authority }, 'wanted');
    expect(found.entries.map(({ seq, i, entry }) => [seq, i, entry.type])).toEqual([
      [1, 1, 'tool.call.decided'],
      [2, 1, 'tool.call.completed'],
      [2, 2, 'command.refused'],
    ]);
    expect(found.rejected).toEqual([]);
  });

  it('names a block that mentions the call and does not verify, and takes nothing from it', async () => {
    const { messages, deployment } = ledger();
    const [first] = messages;
    const forged = Buffer.from(
      Buffer.from(first?.data ?? [])
        .toString()
        .replace('"n":1', '"n":7'),
    );
    const blocks = logOf([{ seq: 1, subject: 'ledger.block.pdp-0', data: forged }]);
    const found = await entriesOfCall({ blocks, authority: deployment.authority }, 'wanted');
    expect(found.entries).toEqual([]);
    expect(found.rejected).toMatchObject([{ seq: 1, reason: expect.stringContaining('signature') }]);
  });

  it('says LEDGER_UNAVAILABLE when the ledger cannot be read', async () => {
    const { deployment } = ledger();
    const blocks: BlockLog = { ...logOf([]), read: () => Promise.reject(new Error('gone')) };
    await expect(entriesOfCall({ blocks, authority: deployment.authority }, 'wanted')).rejects.toMatchObject({
      code: 'LEDGER_UNAVAILABLE',
    });
  });
});

describe('entryById', () => {
  it('finds one entry', async () => {
    const { messages, deployment } = ledger();
    const source = { blocks: logOf(messages), authority: deployment.authority };
    const { entries } = await entriesOfCall(source, 'wanted');
    const id = entries[0]?.entry.id ?? '';
    await expect(entryById(source, id)).resolves.toMatchObject({ seq: 1, i: 1, entry: { id } });
    await expect(entryById(source, '01K0ZZZZZZZZZZZZZZZZZZZZZZ')).resolves.toBeUndefined();
  });
});
