import { TenantKeys } from '#writ/vault';
import type { EntryBody, Json, PayloadValue } from '#writ/contracts';
import { BlockWriter, PayloadOpener, PayloadSealer } from '#writ/ledger-client';
import { Authority, generateSigningKey, trustedKey } from '#writ/signing';
import { commit, newSalt } from '#writ/tlog';
import { MemoryLog, MemoryPayloads } from '../../../test/harness/memory-logs.js';
import { traceRecord, type WantedRecord } from './trace-record.js';

const HASH = `sha256:${'5b'.repeat(32)}`;
const LEDGER = 'writ.test/default/2026';
const TENANT_KEYS = TenantKeys.parse(Buffer.alloc(32, 7).toString('base64url'));
const KEYS = { 'exec-memory-1': generateSigningKey('exec-memory-1'), 'pdp-0': generateSigningKey('pdp-1') };
const authority = new Authority({
  v: 1,
  ledger: LEDGER,
  keys: [
    trustedKey(KEYS['exec-memory-1'].verifyKey, 'exec-memory-1', 'memory-executor', ['exec-memory-1']),
    trustedKey(KEYS['pdp-0'].verifyKey, 'pdp-1', 'pdp', ['pdp-0']),
  ],
});

type Operation = 'query' | 'write' | 'delete';
interface Told {
  readonly agent?: string;
  readonly call: string;
  readonly namespace?: string;
  readonly dec?: { readonly seq: number; readonly i: number };
}

function outcome(
  operation: Operation,
  output: Json,
  { agent = 'ada', call, namespace = 'notes', dec }: Told,
): [EntryBody, PayloadValue] {
  const value: PayloadValue = { path: '/out', salt: newSalt(), value: { status: 'completed', output } };
  const entry: EntryBody = {
    type: `memory.${operation}.completed`,
    who: { agent },
    act: { kind: `memory.${operation}`, res: namespace, dig: HASH },
    corr: { call },
    eff: { d: 'ok', phase: 'executed' },
    why: { code: 'completed' },
    io: { out: commit(value.salt, '/out', value.value), out_len: 1 },
    cost: { ms: 1 },
    dec: dec ?? { seq: 1, i: 0 },
  };
  return [entry, value];
}

function allowedDeletion(ids: readonly string[], call: string): [EntryBody, PayloadValue] {
  const value: PayloadValue = { path: '/in', salt: newSalt(), value: { ids } };
  const entry: EntryBody = {
    type: 'memory.delete.decided',
    who: { agent: 'ada' },
    act: { kind: 'memory.delete', res: 'notes', dig: HASH },
    corr: { call },
    eff: { d: 'allow', phase: 'decided' },
    why: { code: 'policy_permits', bundle: HASH, pol: [] },
    io: { in: commit(value.salt, '/in', value.value), in_len: 1 },
    cmd: commit(newSalt(), '/cmd', {}),
    run: { delivery: 'once', pool: 'default', take_by: 1, finish_by: 2 },
  };
  return [entry, value];
}

const records = (...all: readonly { readonly id: string; readonly owner: string; readonly call: string }[]): Json => ({
  records: all.map((each) => ({ ...each, text: 'x', labels: [], data: {} })),
});

describe('traceRecord', () => {
  let blocks: MemoryLog;
  let payloads: MemoryPayloads;
  let executor: BlockWriter;
  let pdp: BlockWriter;

  const openWriter = (producer: keyof typeof KEYS) =>
    BlockWriter.open({
      blocks,
      values: { payloads, sealer: new PayloadSealer(payloads, TENANT_KEYS, { tenant: 'default', producer }) },
      key: () => KEYS[producer],
      ledger: LEDGER,
      authority: () => authority,
      tenant: 'default',
      producer,
      now: () => Date.UTC(2026, 0, 1),
      sleep: () => Promise.resolve(),
    });

  beforeEach(async () => {
    [blocks, payloads] = [new MemoryLog(), new MemoryPayloads()];
    [executor, pdp] = [await openWriter('exec-memory-1'), await openWriter('pdp-0')];
  });

  const record = ([entry, value]: [EntryBody, PayloadValue], writer = executor) => writer.append(entry, [value]);
  const trace = (wanted: WantedRecord) =>
    traceRecord(
      { blocks, payloads, authority, values: new PayloadOpener(payloads, TENANT_KEYS) },
      wanted,
      () => undefined,
    );
  const told = async (wanted: WantedRecord) =>
    (await trace(wanted)).uses.map(({ how, agent, call }) => `${how} ${agent} ${call}`);

  it('finds the call that wrote a record, and every later one that read it or deleted its id, in order', async () => {
    await record(outcome('write', { ids: ['n-0', 'n-1'] }, { call: 'w' }));
    await record(outcome('query', records({ id: 'n-1', owner: 'ada', call: 'w' }), { call: 'r', agent: 'bob' }));
    await record(outcome('query', records({ id: 'n-0', owner: 'ada', call: 'w' }), { call: 'other' }));
    const { seq, i } = await record(allowedDeletion(['n-1', 'gone'], 'd'), pdp);
    await record(outcome('delete', { deleted: 1 }, { call: 'd', dec: { seq, i } }));
    const { uses, unopened, indeterminate } = await trace({ id: 'n-1' });
    expect(uses).toMatchObject([
      { how: 'write', agent: 'ada', call: 'w', owner: 'ada', namespace: 'notes' },
      { how: 'read', agent: 'bob', call: 'r', owner: 'ada', writtenBy: 'w' },
      { how: 'delete', agent: 'ada', call: 'd', deleted: 1, asked: 2 },
    ]);
    expect([unopened, indeterminate]).toEqual([0, 0]);
  });

  it('tells records of one id apart by namespace and owner', async () => {
    await record(outcome('write', { ids: ['n'] }, { call: 'a' }));
    await record(outcome('write', { ids: ['n'] }, { call: 'b', agent: 'bob' }));
    await record(outcome('write', { ids: ['n'] }, { call: 'c', namespace: 'CRM' }));
    const both = records({ id: 'n', owner: 'ada', call: 'a' }, { id: 'n', owner: 'bob', call: 'b' });
    await record(outcome('query', both, { call: 'r' }));
    await expect(told({ id: 'n', namespace: 'notes', owner: 'bob' })).resolves.toEqual(['write bob b', 'read ada r']);
    await expect(told({ id: 'n', namespace: 'CRM' })).resolves.toEqual(['write ada c']);
  });

  it('believes no value but the committed one, and says how many calls it cannot speak of', async () => {
    const [entry, value] = outcome('write', { ids: ['n'] }, { call: 'w' });
    await executor.append(entry, [{ ...value, value: { status: 'completed', output: { ids: ['another'] } } }]);
    await executor.append(outcome('query', records(), { call: 'gone' })[0], []);
    await record(outcome('query', records(), { call: 'elsewhere', namespace: 'CRM' }));
    await expect(trace({ id: 'another', namespace: 'notes' })).resolves.toMatchObject({ uses: [], unopened: 2 });
    payloads.keys.clear();
    await expect(trace({ id: 'n' })).resolves.toMatchObject({ uses: [], unopened: 3 });
  });

  it('says of how many calls nobody knows whether they ran', async () => {
    const { seq, i } = await record(allowedDeletion(['n'], 'd'), pdp);
    await pdp.append({
      type: 'call.indeterminate',
      who: { agent: 'ada' },
      act: { kind: 'memory.delete', res: 'notes', dig: HASH },
      corr: { call: 'd' },
      dec: { seq, i },
    });
    await expect(trace({ id: 'n' })).resolves.toMatchObject({ uses: [], indeterminate: 1 });
    await expect(trace({ id: 'n', namespace: 'CRM' })).resolves.toMatchObject({ indeterminate: 0 });
  });

  it('finds a use behind blocks of the same executor that it needs nothing of', async () => {
    await record(outcome('write', { ids: ['n'] }, { call: 'w' }));
    for (let n = 0; n < 80; n++) await record(outcome('write', { ids: ['n'] }, { call: `o${n}`, namespace: 'CRM' }));
    await record(outcome('query', records({ id: 'n', owner: 'ada', call: 'w' }), { call: 'r' }));
    await expect(told({ id: 'n', namespace: 'notes' })).resolves.toEqual(['write ada w', 'read ada r']);
  });
});
