import type { Agent } from '#writ/agent-sdk';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decisionHealth } from '../harness/access-api.js';
import type { Gateway } from '../harness/gateway.js';
import { OutsideService } from './outside-service.js';
import { recordOf, STAFF_ACTS, startOffice } from './small-office.js';

describe('a change of the policies', () => {
  let outside: OutsideService;
  let gateway: Gateway;
  let alice: Agent;
  let gus: Agent;

  beforeAll(async () => {
    outside = await OutsideService.start();
    gateway = await startOffice(outside);
    [alice, gus] = [await gateway.agent('alice'), await gateway.agent('gus')];
  }, 120_000);

  afterAll(async () => {
    await gateway?.stop();
    await outside?.[Symbol.asyncDispose]();
  });

  const change = (text: string) => writeFile(join(gateway.directory, 'policies', 'staff.cedar'), text);

  async function bundles() {
    return (await gateway.ledger()).flatMap(({ entry }) => (entry.type === 'policy.changed' ? [entry.bundle] : []));
  }

  it('the set that a deployment starts with is on record before its first decision', async () => {
    await alice.tool('echo', { marker: 'first' }, { call: 'first' });
    const [first] = await bundles();
    expect(first).toMatchObject({ old: null });
    await expect(recordOf(gateway, 'first')).resolves.toMatchObject([{ why: { bundle: first?.new } }, {}]);
    const types = (await gateway.ledger()).map(({ entry }) => entry.type);
    expect(types.indexOf('policy.changed')).toBeLessThan(types.indexOf('tool.call.decided'));
  });

  it('that does not load is refused whole and on record with its place, and decisions go on as before', async () => {
    const before = (await bundles()).at(-1)?.new;
    await change(
      `${STAFF_ACTS}\n@id("broken")\npermit (principal in Team::"guests", action == Action::"nothing", resource);`,
    );
    const rejected = await gateway.entry(({ entry }) => entry.type === 'policy.rejected');
    expect(rejected.entry).toMatchObject({
      why: { code: 'POLICY_INVALID' },
      kept: before,
      at: expect.stringMatching(/staff\.cedar:\d+:\d+$/),
    });
    await expect(decisionHealth(gateway)).resolves.toMatchObject({
      ready: true,
      epochs: [{ shard: 0, version: 1, hash: before, since: expect.any(String), ageSeconds: expect.any(Number) }],
      refused: { code: 'POLICY_INVALID', at: expect.stringMatching(/staff\.cedar:\d+:\d+$/) },
    });
    await expect(alice.tool('act', { marker: 'still' }, { call: 'still' })).resolves.toBeDefined();
    await expect(gus.tool('echo', { marker: 'x' })).rejects.toMatchObject({ code: 'no_policy_permits' });
    await expect(recordOf(gateway, 'still')).resolves.toMatchObject([{ why: { bundle: before } }, {}]);
  });

  it('that loads is on record, and the next decision is made by it', async () => {
    const before = (await bundles()).at(-1)?.new;
    await change(STAFF_ACTS.replace('Team::"staff"', 'Team::"guests"'));
    const changed = await gateway.entry(({ entry }) => entry.type === 'policy.changed' && entry.bundle.old === before);
    expect(changed.entry).toMatchObject({ policies: 1 });
    await expect(decisionHealth(gateway)).resolves.toMatchObject({ epochs: [{ version: 2 }], refused: null });
    await expect(gus.tool('echo', { marker: 'now' })).resolves.toMatchObject({ output: { marker: 'now' } });
    await expect(alice.tool('echo', { marker: 'now' })).rejects.toMatchObject({ code: 'no_policy_permits' });
  });

  it('that takes every file away is refused', async () => {
    await rm(join(gateway.directory, 'policies', 'staff.cedar'));
    await gateway.entry(({ entry }) => entry.type === 'policy.rejected' && entry.why.code === 'POLICY_LINT');
    await expect(gus.tool('echo', { marker: 'kept' })).resolves.toMatchObject({ output: { marker: 'kept' } });
  });
});
