import { dataKeyId } from '#writ/vault';
import { decidedBody, LedgerBuilder } from '../../../test/harness/ledger-builder.js';
import { openAuthorised, type StoredValues } from '#writ/ledger-client';
import { parseEntry } from '#writ/tlog';
import { entryValues } from './entry-values.js';

const [ANNA, BERT] = [
  'payloadkey.default.S-a.2026-11-22-00.pdp-0',
  'payloadkey.default.S-b.2026-11-22-00.pdp-0',
] as const;

/** One decision, the erasures of the ledger it is in, and what the vault says of it. */
async function valuesOf(vault: StoredValues, erased: readonly string[]) {
  const builder = new LedgerBuilder();
  builder.block('pdp-0', [builder.entry('pdp-0', decidedBody('tool.call', 'c1', 'deny'))]);
  const keys = erased.map(dataKeyId);
  if (keys.length > 0) {
    builder.block('operator', [
      builder.entry('operator', { type: 'privacy.erased', by: 'dpo', basis: 'DSR-1', keys, n: 1 }),
    ]);
  }
  const { authority } = builder.deployment;
  const [message] = builder.messages;
  if (message === undefined) throw new Error('no block');
  const block = openAuthorised(message, authority);
  const [entry] = block.entries.map((authentic) => parseEntry(authentic));
  if (entry === undefined) throw new Error('no entry');
  const messages = builder.messages.slice(1).map((each) => ({ ...each, time: entry.ts }));
  const operator = {
    authority,
    values: { find: () => Promise.resolve(vault) },
    streams: { read: () => Promise.resolve({ messages, upToDate: true }) },
  } as unknown as Parameters<typeof entryValues>[0];
  return entryValues(operator, { seq: 1, i: 0, entry, block });
}

describe('a value of the vault', () => {
  it('is erased when the ledger says who destroyed its key, and why', async () => {
    await expect(valuesOf({ status: 'erased', keys: [ANNA] }, [BERT, ANNA])).resolves.toMatchObject({
      status: 'erased',
      erasure: { by: 'dpo', basis: 'DSR-1' },
    });
  });

  it('is lost, not erased, when its key is missing and nobody is on record for that', async () => {
    await expect(valuesOf({ status: 'erased', keys: [ANNA] }, [BERT])).resolves.toEqual({ status: 'lost' });
    await expect(valuesOf({ status: 'erased', keys: [ANNA, BERT] }, [BERT])).resolves.toEqual({ status: 'lost' });
  });

  it('is told as it is when it is stored, or past its retention', async () => {
    const stored = { status: 'stored', values: [], key: ANNA } as const;
    await expect(valuesOf(stored, [])).resolves.toEqual(stored);
    await expect(valuesOf({ status: 'gone' }, [ANNA])).resolves.toEqual({ status: 'gone' });
  });
});
