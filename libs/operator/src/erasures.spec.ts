import type { EntryBody } from '#writ/contracts';
import { Fault } from '#writ/faults';
import { PayloadOpener, PayloadSealer } from '#writ/ledger-client';
import { dataKeyId, TenantKeys } from '#writ/vault';
import { keyLogOf, MemoryPayloads } from '../../../test/harness/memory-logs.js';
import { commitmentsUnder, keysOfTarget } from './erasure-plan.js';
import { eraseKeys, type ErasurePorts, type RecordedErasure, repeatErasures } from './erasures.js';

const DAY_MS = 86_400_000;
const NOON = Date.UTC(2026, 10, 22, 12);
const REASON = { by: 'dpo', basis: 'GDPR Art. 17' };
const ANNA = { type: 'customer', id: 'anna' };
const BERT = { type: 'customer', id: 'bert' };

class Killed extends Error {}

/** A vault with values of two subjects and an agent, and a ledger that says what was erased. `diesAt` counts durable steps. */
async function aDeployment() {
  const payloads = new MemoryPayloads();
  const tenantKeys = TenantKeys.create();
  const recorded: RecordedErasure[] = [];
  let stepsLeft = Infinity;
  const step = () => {
    if (stepsLeft-- <= 0) throw new Killed();
  };
  for (const producer of ['pdp-0', 'exec-tool-1']) {
    const sealer = new PayloadSealer(payloads, tenantKeys, { tenant: 'default', producer });
    for (const nowMs of [NOON, NOON + DAY_MS]) {
      const entries = [tenantKeys.pseudonym(ANNA), tenantKeys.pseudonym(BERT), 'support'].map((holder, i) => ({
        entry: `${producer}-${i}`,
        holder,
        values: JSON.stringify(['/in', '/held'].map((path) => ({ path, salt: 'A'.repeat(22), value: i }))),
      }));
      payloads.stored.push(await sealer.seal(`${producer} ${nowMs}`, entries, nowMs));
    }
  }
  const keys = keyLogOf(payloads, step);
  const fences: Fault[] = [];
  const ports: ErasurePorts = {
    keys,
    recorded: () => Promise.resolve(new Map(recorded.flatMap((entry) => entry.keys.map((id) => [id, entry] as const)))),
    openWriter: () =>
      Promise.resolve({
        append: async (body: EntryBody) => {
          step();
          const fence = fences.pop();
          if (fence !== undefined) throw fence;
          recorded.push(body as RecordedErasure);
        },
      }),
    count: (stored) => commitmentsUnder(stored, { payloads, tenantKeys }),
  };
  const keysOf = (target: Parameters<typeof keysOfTarget>[0]) => keysOfTarget(target, { keys, tenantKeys });
  const erase = async (subject = ANNA) => eraseKeys(await keysOf({ subject }), REASON, ports);
  const holders = () => new Set([...payloads.keys.keys()].map((name) => name.split('.')[2]));
  const dieAfter = (steps: number) => (stepsLeft = steps);
  return { payloads, tenantKeys, recorded, ports, keysOf, erase, holders, dieAfter, fences };
}

describe('an erasure', () => {
  it('is on record with the ids of its keys and the count of what they opened, and names no subject', async () => {
    const { erase, recorded, holders, tenantKeys } = await aDeployment();
    await erase();
    expect(recorded).toMatchObject([{ type: 'privacy.erased', ...REASON, n: 4 }]);
    expect(recorded[0]?.keys).toHaveLength(4);
    expect(JSON.stringify(recorded)).not.toContain(tenantKeys.pseudonym(ANNA));
    expect(holders()).toEqual(new Set([tenantKeys.pseudonym(BERT), 'support']));
  });

  it('is complete when it is asked for again, wherever it died, and on record once', async () => {
    for (let steps = 0; ; steps++) {
      const { erase, recorded, holders, dieAfter, tenantKeys } = await aDeployment();
      dieAfter(steps);
      const died = await erase().then(
        () => false,
        (error: unknown) => error instanceof Killed,
      );
      // Nothing is destroyed that is not on record.
      if (recorded.length === 0) expect(holders()).toContain(tenantKeys.pseudonym(ANNA));
      dieAfter(Infinity);
      await erase();
      expect(holders()).toEqual(new Set([tenantKeys.pseudonym(BERT), 'support']));
      expect(recorded).toHaveLength(1);
      if (!died) {
        expect(steps).toBe(5);
        return;
      }
    }
  });

  it('is carried out at the next start when it died, and when its keys come back with a backup', async () => {
    const { erase, holders, dieAfter, ports, payloads, tenantKeys } = await aDeployment();
    const backup = new Map(payloads.keys);
    dieAfter(2);
    await expect(erase()).rejects.toThrow(Killed);
    dieAfter(Infinity);
    expect(await repeatErasures(ports)).toBe(3);
    expect(holders()).not.toContain(tenantKeys.pseudonym(ANNA));
    for (const [name, data] of backup) payloads.keys.set(name, data);
    expect(await repeatErasures(ports)).toBe(4);
    expect(holders()).toEqual(new Set([tenantKeys.pseudonym(BERT), 'support']));
    expect(await repeatErasures(ports)).toBe(0);
  });

  it('looks again at what is on record when another operator wrote at the same time', async () => {
    const { erase, recorded, fences } = await aDeployment();
    fences.push(new Fault('LEDGER_FENCED', 'another writer'));
    await erase();
    expect(recorded).toHaveLength(1);
  });

  it('takes of an agent the day that is named, and nothing that is about a subject', async () => {
    const { keysOf, tenantKeys, payloads } = await aDeployment();
    const found = await keysOf({ agent: 'support', day: '2026-11-22' });
    expect(found.map(({ name }) => name.split('.')[2])).toEqual(['support', 'support']);
    expect(await keysOf({ agent: 'support' })).toHaveLength(4);
    expect(await keysOf({ agent: 'nobody' })).toEqual([]);
    expect(await commitmentsUnder(found, { payloads, tenantKeys })).toBe(2);
  });

  it('of a subject that is written otherwise finds nothing, and destroys nothing', async () => {
    const { erase, recorded, payloads } = await aDeployment();
    for (const subject of [
      { type: 'customer', id: 'Anna' },
      { type: 'employee', id: 'anna' },
      { type: 'customer', id: '*' },
    ]) {
      await erase(subject);
    }
    expect([recorded.length, payloads.keys.size]).toEqual([0, 12]);
  });

  it('says as many entries as it takes, each of at most 256 keys', async () => {
    const { payloads, tenantKeys, erase, recorded } = await aDeployment();
    const holder = tenantKeys.pseudonym(ANNA);
    for (let i = 0; i < 600; i++) {
      const name = `payloadkey.default.${holder}.2026-11-22-${i}.pdp-0`;
      payloads.keys.set(name, tenantKeys.wrap(name, Buffer.alloc(32)));
    }
    await erase();
    expect(recorded.map(({ keys }) => keys.length)).toEqual([256, 256, 92]);
    expect(new Set(recorded.flatMap(({ keys }) => keys)).size).toBe(604);
  });

  it('is not kept from anybody by a damaged key or payload', async () => {
    const { payloads, erase, holders, tenantKeys } = await aDeployment();
    const [damaged = ''] = [...payloads.keys.keys()].filter((name) => name.includes(tenantKeys.pseudonym(ANNA)));
    payloads.keys.set(damaged, Buffer.from('junk'));
    payloads.stored.unshift(Buffer.from('junk'));
    await erase();
    expect(holders()).not.toContain(tenantKeys.pseudonym(ANNA));
  });

  it('cannot be guessed from the ledger: an id needs the random part of a name', async () => {
    const { payloads, erase, recorded } = await aDeployment();
    const names = [...payloads.keys.keys()];
    await erase();
    const ids = new Set(recorded.flatMap(({ keys }) => keys));
    const isNamed = (name: string) => ids.has(dataKeyId(name));
    expect(names.filter(isNamed)).toHaveLength(4);
    expect(names.map((name) => name.replace(/-[0-9a-f]{24}\./, '-000000000000000000000000.')).filter(isNamed)).toEqual(
      [],
    );
  });

  it('leaves what it erased closed to the opener, and the rest open', async () => {
    const { payloads, tenantKeys, erase } = await aDeployment();
    await erase();
    const opener = new PayloadOpener(payloads, tenantKeys);
    const statusOf = (entry: string) =>
      opener.find({ producer: 'pdp-0', block: `pdp-0 ${NOON}`, entry, writtenAtMs: NOON }).then(({ status }) => status);
    expect(await Promise.all([0, 1, 2].map((i) => statusOf(`pdp-0-${i}`)))).toEqual(['erased', 'stored', 'stored']);
  });
});
