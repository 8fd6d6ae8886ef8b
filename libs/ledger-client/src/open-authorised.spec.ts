import { Authority } from '#writ/signing';
import { FIRST_PREV, type LedgerMessage, openBlock } from '#writ/tlog';
import { continueLedger, type ContinuedLedger } from '../../../test/harness/continued-ledger.js';
import { makeDeployment } from '../../../test/harness/ledger-builder.js';
import { MemoryLog } from '../../../test/harness/memory-logs.js';
import { BlockWriter } from './block-writer.js';
import { openAuthorised } from './open-authorised.js';

describe('the stream of a ledger that goes on from another one', () => {
  let ledgers: ContinuedLedger;
  let authority: Authority;
  let stream: readonly LedgerMessage[];
  beforeAll(async () => {
    ledgers = await continueLedger();
    authority = new Authority(ledgers.nextBundle);
    stream = [...ledgers.oldMessages, ...ledgers.nextBuilder.messages];
  });

  it('is read over its border: each block counts for the ledger that it was written for', () => {
    const names = stream.map((message) => openAuthorised(message, authority).block.ledger);
    expect(new Set(names.slice(0, ledgers.oldMessages.length))).toEqual(new Set([makeDeployment().ledger]));
    expect(new Set(names.slice(ledgers.oldMessages.length))).toEqual(new Set([ledgers.nextBundle.ledger]));
  });

  it.each([
    ['an old one behind it', 'ledger_closed', () => ({ ...stream[2], seq: stream.length + 1 })],
    ['a new one before it', 'ledger', () => ({ ...stream.at(-1), seq: 2 })],
  ])('refuses a block on the wrong side of the border: %s', (_case, cause, message) => {
    expect(() => openAuthorised(message() as LedgerMessage, authority)).toThrow(expect.objectContaining({ cause }));
  });

  it('has chains that begin anew, each behind the last message of its producer', async () => {
    const blocks = new MemoryLog();
    blocks.messages.push(...stream);
    const open = () =>
      BlockWriter.open({
        blocks,
        key: () => makeDeployment().key('exec-tool-1'),
        ledger: authority.ledger,
        tenant: 'default',
        producer: 'exec-tool-1',
        authority: () => authority,
        now: Date.now,
        sleep: () => Promise.resolve(),
      });
    const before = stream.findLast(({ subject }) => subject === 'ledger.block.exec-tool-1')?.seq;
    const writer = await open();
    expect(writer.lastSeq).toBe(before);
    const refused = {
      type: 'command.refused',
      why: { code: 'X' },
      dec: { seq: 0, i: 0 },
      msg: `sha256:${'0'.repeat(64)}`,
    } as const;
    await writer.append(refused);
    const first = openBlock(blocks.messages.at(-1)?.data ?? Buffer.alloc(0));
    expect([first.ledger, first.n, first.prev]).toEqual([authority.ledger, 1, FIRST_PREV]);
    await (await open()).append(refused);
    const second = openBlock(blocks.messages.at(-1)?.data ?? Buffer.alloc(0));
    expect([second.n, second.prev]).toEqual([1, first.hash]);
  });
});
