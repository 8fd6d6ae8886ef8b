import { rulesOf } from '#writ/authorisation';
import { readCatalogue } from '#writ/catalogue';
import { Fault } from '#writ/faults';
import type { PolicySet } from '#writ/policy';
import { generateSigningKey, type SignedManifest, signManifest } from '#writ/signing';
import { setOf } from '../../../test/vectors/decide-on.js';
import { TestShard } from './deciding-shard.fixture.js';
import { PolicyActivation, type PublishedRules } from './policy-activation.js';

const LEDGER = 'test/default/0';
const catalogue = readCatalogue(`version: 1\nledger: ${LEDGER}\n`, {
  file: 'writ.yaml',
  baseDirectory: '.',
  environment: {},
});
const key = generateSigningKey('operator');
const PERMIT = 'permit (principal, action, resource);';
const FORBID = 'forbid (principal, action, resource);';

const manifestOf = (hash: string, version: number, over?: number): SignedManifest =>
  signManifest(
    {
      v: 1,
      ledger: LEDGER,
      version,
      hash,
      author: 'alice',
      at: '2026-11-22T10:00:00.000Z',
      ...(over !== undefined && { over }),
    },
    key,
  );

function published(policies: Readonly<Record<string, string>>, version?: number, over?: number): PublishedRules {
  const rules = rulesOf(catalogue, setOf(policies), []);
  return { rules, manifest: version === undefined ? undefined : manifestOf(rules.policies.hash, version, over) };
}

function anActivation(first: PublishedRules, kept: Readonly<Record<string, PolicySet>> = {}, shard = new TestShard()) {
  const state = { published: first };
  const refused: string[] = [];
  const activation = new PolicyActivation({
    published: () => state.published,
    shards: () => [shard],
    manifestFor: (hash, version) => ({ ...manifestOf(hash, version), author: 'files' }),
    policiesOf: (hash) => Promise.resolve(kept[hash]?.sources),
    onRefused: ({ code }) => void refused.push(code),
    log: { error: () => undefined, warn: () => undefined },
  });
  const publish = (next: PublishedRules) => {
    state.published = next;
    return activation.activateAll();
  };
  return { shard, activation, publish, refused };
}

describe('the activation of policies', () => {
  it('is on record before they are in force, with the hashes, the version, the author and the difference', async () => {
    const { shard, publish } = anActivation(published({ p: PERMIT }));
    await publish(published({ p: PERMIT, q: PERMIT }));
    const before = shard.epoch?.hash;
    await publish(published({ p: FORBID, r: PERMIT }));
    expect(shard.recorded).toMatchObject([
      { bundle: { old: null }, man: { ver: 1, author: 'files' }, policies: 2 },
      { bundle: { old: before }, man: { ver: 2 }, diff: { added: ['r'], removed: ['q'], changed: ['p'], n: 3 } },
    ]);
    expect(shard.rules?.policies.hash).toBe(shard.epoch?.hash);
  });

  it('lets nothing be decided under policies whose activation is not durable yet', async () => {
    const { shard, publish } = anActivation(published({ p: PERMIT }));
    let stored = (): void => undefined;
    shard.outcomes.push(new Promise((resolve) => (stored = resolve)));
    const done = publish(published({ p: PERMIT }));
    await new Promise((resolve) => setImmediate(resolve));
    expect([shard.rules, shard.activation]).toEqual([undefined, expect.any(Promise)]);
    stored();
    await done;
    expect([shard.rules?.policies.size, shard.activation]).toEqual([1, undefined]);
  });

  it('keeps what is in force when it cannot be recorded, and a later one starts from there', async () => {
    const { shard, publish } = anActivation(published({ p: PERMIT }));
    await publish(published({ p: PERMIT }));
    const kept = shard.rules;
    shard.outcomes.push(Promise.reject(new Fault('LEDGER_FENCED', 'another owner')));
    await publish(published({ q: PERMIT }));
    expect([shard.rules, shard.recorded.length]).toEqual([kept, 1]);
    await publish(published({ q: PERMIT }));
    expect(shard.recorded).toHaveLength(2);
    expect(shard.rules).not.toBe(kept);
  });

  it('needs no entry when only agents changed', async () => {
    const { shard, publish } = anActivation(published({ p: PERMIT }));
    await publish(published({ p: PERMIT }));
    const again = published({ p: PERMIT });
    await publish(again);
    expect(shard.rules).toBe(again.rules);
    expect(shard.recorded).toHaveLength(1);
  });

  it('refuses an older version, says so in the chain, and goes on under what it has', async () => {
    const { shard, publish, refused } = anActivation(published({ p: PERMIT }, 5));
    await publish(published({ p: PERMIT }, 5));
    const kept = shard.rules;
    await publish(published({ q: PERMIT }, 4));
    expect(shard.codes).toEqual(['policy.changed', 'POLICY_DOWNGRADE']);
    expect(shard.recorded[1]).toMatchObject({ kept: kept?.policies.hash });
    expect(refused).toEqual(['POLICY_DOWNGRADE']);
    expect(shard.rules?.policies.sources).toEqual(kept?.policies.sources);
  });

  it('takes an older version that is forced, and has that on record', async () => {
    const { shard, publish } = anActivation(published({ p: PERMIT }, 5));
    await publish(published({ p: PERMIT }, 5));
    const forced = published({ q: PERMIT }, 4, 5);
    await publish(forced);
    expect(shard.recorded[1]).toMatchObject({ type: 'policy.changed', man: { ver: 4, over: 5 } });
    expect(shard.epoch).toMatchObject({ version: 4, highest: 5 });
    // It makes no other old version new, and cannot be used a second time.
    await publish(published({ r: PERMIT }, 5));
    await publish(published({ r: PERMIT }, 6));
    await publish(forced);
    expect(shard.codes).toEqual([
      'policy.changed',
      'policy.changed',
      'POLICY_DOWNGRADE',
      'policy.changed',
      'POLICY_DOWNGRADE',
    ]);
  });

  it('takes the same policies under a newer version as that version, so that an older one stays a downgrade', async () => {
    const { shard, publish } = anActivation(published({ p: PERMIT }, 1));
    await publish(published({ p: PERMIT }, 1));
    await publish(published({ p: PERMIT }, 5));
    await publish(published({ q: PERMIT }, 3));
    expect(shard.codes).toEqual(['policy.changed', 'policy.changed', 'POLICY_DOWNGRADE']);
    expect(shard.epoch?.version).toBe(5);
  });

  it('leaves a shard that is ahead of the policies without any, once on record, until newer ones come', async () => {
    const { shard, activation, publish } = anActivation(published({ p: PERMIT }, 1));
    shard.epoch = {
      hash: `sha256:${'ab'.repeat(32)}`,
      version: 2,
      highest: 2,
      isPublished: true,
      since: '2026-11-22T10:00:00.000Z',
    };
    await activation.activateFirst(shard);
    expect([shard.rules, shard.codes]).toEqual([undefined, ['POLICY_DOWNGRADE']]);
    await publish(published({ p: PERMIT }, 3));
    expect(shard.rules?.policies.size).toBe(1);
  });

  it('refuses files over what an operator published', async () => {
    const { shard, publish } = anActivation(published({ p: PERMIT }, 1));
    await publish(published({ p: PERMIT }, 1));
    await publish(published({ q: PERMIT }));
    expect(shard.codes).toEqual(['policy.changed', 'POLICY_UNSIGNED']);
  });

  it('that is refused takes in the agents of now all the same', async () => {
    const { shard, publish } = anActivation(published({ p: PERMIT }, 5));
    await publish(published({ p: PERMIT }, 5));
    const older = published({ q: PERMIT }, 4);
    await publish({ ...older, rules: { ...older.rules, knows: (agent) => agent === 'new' } });
    expect(shard.rules?.knows('new')).toBe(true);
    expect(shard.rules?.policies.hash).toBe(shard.epoch?.hash);
    expect(shard.rules?.policies.sources.map(({ id }) => id)).toEqual(['p']);
  });

  it('tells after a restart and a takeover what differs from the set that the chain names, when that is kept', async () => {
    const before = anActivation(published({ p: PERMIT }));
    await before.publish(published({ p: PERMIT, q: PERMIT }));
    const old = before.shard.rules?.policies;
    if (old === undefined) throw new Error('nothing is in force');
    const after = anActivation(published({ p: FORBID, r: PERMIT }), { [old.hash]: old }, before.shard.takenOver());
    await after.activation.activateFirst(after.shard);
    expect(after.shard.recorded).toMatchObject([
      { bundle: { old: old.hash }, man: { ver: 2 }, diff: { added: ['r'], removed: ['q'], changed: ['p'], n: 3 } },
    ]);
    const unknown = anActivation(published({ r: PERMIT }), {}, before.shard.takenOver());
    await unknown.activation.activateFirst(unknown.shard);
    expect(unknown.shard.recorded).toMatchObject([{ bundle: { old: old.hash } }]);
    expect(unknown.shard.recorded[0]).not.toHaveProperty('diff');
  });

  it('goes by versions and not by clocks: a later version that is dated earlier is newer', async () => {
    const { shard, publish } = anActivation(published({ p: PERMIT }, 1));
    await publish(published({ p: PERMIT }, 1));
    const next = published({ q: PERMIT }, 2);
    const early = { ...next, manifest: next.manifest && { ...next.manifest, at: '2001-01-01T00:00:00.000Z' } };
    await publish(early);
    const older = published({ r: PERMIT }, 1);
    await publish({ ...older, manifest: older.manifest && { ...older.manifest, at: '2099-01-01T00:00:00.000Z' } });
    expect(shard.codes).toEqual(['policy.changed', 'policy.changed', 'POLICY_DOWNGRADE']);
    expect(shard.epoch).toMatchObject({ version: 2 });
  });

  it('by two services with different files is one entry for each takeover, under versions that only rise', async () => {
    const files = [published({ p: PERMIT }), published({ q: FORBID })];
    let shard = new TestShard();
    const versions: number[] = [];
    for (let n = 0; n < 6; n++) {
      const service = anActivation(files[n % 2] ?? published({}), {}, (shard = shard.takenOver()));
      await service.activation.activateFirst(shard);
      // Whatever else it hears meanwhile, an owner whose files stay the same writes nothing more.
      for (let k = 0; k < 3; k++) await service.activation.activateAll();
      expect(shard.codes).toEqual(['policy.changed']);
      versions.push(shard.epoch?.version ?? 0);
    }
    expect(versions).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('of two that come at once ends with the newest', async () => {
    const { shard, publish } = anActivation(published({ p: PERMIT }));
    const newest = published({ r: PERMIT });
    await Promise.all([publish(published({ q: PERMIT })), publish(newest)]);
    expect(shard.epoch?.hash).toBe(newest.rules.policies.hash);
    expect(shard.rules).toBe(newest.rules);
    // Each once.
    expect(shard.codes).toEqual(['policy.changed', 'policy.changed']);
  });
});
