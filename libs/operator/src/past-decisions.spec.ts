import { TenantKeys } from '#writ/vault';
import { canonicalJson, type EntryBody, type JsonObject, type PayloadValue } from '#writ/contracts';
import { BlockWriter, PayloadOpener, PayloadSealer } from '#writ/ledger-client';
import { Authority, generateSigningKey, trustedKey } from '#writ/signing';
import { commit, newSalt } from '#writ/tlog';
import { MemoryLog, MemoryPayloads } from '../../../test/harness/memory-logs.js';
import { pastDecisions } from './past-decisions.js';

const HASH = `sha256:${'5b'.repeat(32)}`;
const LEDGER = 'writ.test/default/2026';
const TENANT_KEYS = TenantKeys.parse(Buffer.alloc(32, 7).toString('base64url'));
const key = generateSigningKey('pdp-1');
const authority = new Authority({ v: 1, ledger: LEDGER, keys: [trustedKey(key.verifyKey, 'pdp-1', 'pdp', ['pdp-0'])] });

function denial(call: string, asked: JsonObject): readonly [EntryBody, PayloadValue] {
  const salt = newSalt();
  const entry: EntryBody = {
    type: 'tool.call.decided',
    who: { agent: 'ada' },
    act: { kind: 'tool.call', res: 'mail', dig: HASH },
    corr: { call },
    eff: { d: 'deny', phase: 'decided' },
    why: { code: 'no_policy_permits', bundle: HASH, pol: [] },
    io: { in: commit(salt, '/in', asked), in_len: canonicalJson(asked).length },
  };
  return [entry, { path: '/in', salt, value: asked }];
}

describe('pastDecisions', () => {
  let blocks: MemoryLog;
  let payloads: MemoryPayloads;
  let writer: BlockWriter;
  beforeEach(async () => {
    [blocks, payloads] = [new MemoryLog(), new MemoryPayloads()];
    writer = await BlockWriter.open({
      blocks,
      values: {
        payloads,
        sealer: new PayloadSealer(payloads, TENANT_KEYS, { tenant: 'default', producer: 'pdp-0' }),
      },
      key: () => key,
      ledger: LEDGER,
      authority: () => authority,
      tenant: 'default',
      producer: 'pdp-0',
      now: () => Date.UTC(2026, 0, 1),
      sleep: () => Promise.resolve(),
    });
  });

  async function read(valuesFromSeq = 1): Promise<readonly string[]> {
    const values = new PayloadOpener(payloads, TENANT_KEYS);
    const found: string[] = [];
    const onRejected = (seq: number): void => void found.push(`${seq} rejected`);
    for await (const { decisions } of pastDecisions(
      { blocks, payloads, authority, values },
      { valuesFromSeq, onRejected },
    )) {
      found.push(...decisions.map(({ entry, values: { status } }) => `${entry.corr.call} ${status}`));
    }
    return found;
  }

  it('gives what was asked where it opens the commitment, and says where the stored value is another one', async () => {
    const [entry, value] = denial('a', { to: 'x' });
    await writer.append(entry, [value]);
    // Whoever has the deployment key can seal another value; not one that the signed entry commits to.
    await writer.append(denial('b', { to: 'x' })[0], [{ ...value, value: { to: 'somebody else' } }]);
    await expect(read()).resolves.toEqual(['a opens', 'b differs']);
  });

  it('says that values are gone: erased, never stored, or not asked for', async () => {
    const [entry, value] = denial('a', { to: 'x' });
    await writer.append(entry, [value]);
    await writer.append(denial('b', {})[0], []);
    await expect(read(3)).resolves.toEqual(['a gone', 'b gone']);
    await expect(read()).resolves.toEqual(['a opens', 'b gone']);
    payloads.keys.clear();
    await expect(read()).resolves.toEqual(['a gone', 'b gone']);
  });

  it.each([
    // damage to      does                                                              says
    ['a box of it', () => payloads.stored[0]?.subarray(-4).fill(0), 'differs'],
    ['a key', () => [...payloads.keys.values()][0]?.subarray(-30, -10).fill(65), 'differs'],
    ['its head', () => payloads.stored[0]?.fill(0, 0, 4), 'gone'],
  ])('goes on behind a payload that was changed: %s', async (_case, damage, status) => {
    const [entry, value] = denial('a', { to: 'x' });
    await writer.append(entry, [value]);
    damage();
    await expect(read()).resolves.toEqual([`a ${status}`]);
  });

  it('passes over a message that is no block of the producer, and says so', async () => {
    blocks.messages.push({ seq: 1, subject: 'ledger.block.pdp-0', data: Buffer.from('junk') });
    await writer.append(denial('a', {})[0], []).catch(() => undefined);
    await expect(read()).resolves.toContain('1 rejected');
  });
});
