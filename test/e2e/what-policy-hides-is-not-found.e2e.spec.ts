import type { Agent, MemoryQuery } from '#writ/agent-sdk';
import type { JsonObject } from '#writ/contracts';
import type { Gateway } from '../harness/gateway.js';
import { OutsideService } from './outside-service.js';
import { recordOf, startOffice, storyOf } from './small-office.js';

const POLICIES = `
@id("staff-works-with-notes")
permit (
  principal in Team::"staff",
  action in [Action::"query", Action::"write", Action::"delete"],
  resource in Namespace::"notes"
);

@id("guests-see-what-is-public")
permit (principal in Team::"guests", action == Action::"query", resource in Namespace::"notes")
when { resource.labels.contains("public") };

@id("guests-keep-their-own")
permit (principal in Team::"guests", action in [Action::"write", Action::"delete", Action::"query"], resource in Namespace::"notes")
when { resource.owner == "gus" };

@id("sealed-is-sealed")
forbid (principal, action in [Action::"query", Action::"delete"], resource in Namespace::"notes")
when { resource.labels.contains("sealed") };

@id("staff-writes-about-users")
permit (principal in Team::"staff", action == Action::"write", resource in Namespace::"users");

@id("gus-serves-user-2")
permit (principal == Agent::"gus", action in [Action::"query", Action::"delete"], resource in Namespace::"users")
when { resource.labels.contains("user:2") };

@id("staff-fetches")
permit (principal in Team::"staff", action == Action::"fetch", resource is Host)
unless { context.input.path like "/private/*" };
`;

describe('what policy and configuration hide', () => {
  let outside: OutsideService;
  let gateway: Gateway;
  let alice: Agent;
  let gus: Agent;

  beforeAll(async () => {
    outside = await OutsideService.start();
    gateway = await startOffice(outside, {
      config: {
        namespaces: { notes: {}, other: {}, users: {} },
        destinations: {
          outside: { origin: outside.url, internal: true },
          'not-declared-internal': { origin: 'http://127.0.0.1:9' },
          metadata: { origin: 'http://169.254.169.254' },
          'by-name': { origin: 'http://localhost:9' },
        },
      },
      policies: { 'policies.cedar': POLICIES },
    });
    [alice, gus] = [await gateway.agent('alice'), await gateway.agent('gus')];
    await alice.memory('notes').write([
      { id: 'open', text: 'the merger is announced on monday', labels: ['public'] },
      { id: 'inner', text: 'the merger is worth nine million', labels: ['finance'] },
      { id: 'sealed', text: 'the merger is under investigation', labels: ['sealed', 'public'] },
    ]);
  }, 120_000);

  afterAll(async () => {
    await gateway?.stop();
    await outside?.[Symbol.asyncDispose]();
  });

  const idsFound = async (agent: Agent, k = 10) => {
    const { output } = await agent.memory('notes').query({ text: 'merger', k });
    return ((output as JsonObject)['records'] as { id: string }[]).map(({ id }) => id).toSorted();
  };

  it('an agent finds what its permits show and no forbid hides, and the answer says nothing of the rest', async () => {
    await expect(idsFound(alice)).resolves.toEqual(['inner', 'open']);
    await expect(idsFound(gus)).resolves.toEqual(['open']);
    const { output } = await gus.memory('notes').query({ text: 'worth nine million', k: 10 });
    expect(JSON.stringify(output)).not.toMatch(/nine million|investigation/);
  });

  it('what is hidden takes no place among the k that are found', async () => {
    await expect(idsFound(gus, 1)).resolves.toEqual(['open']);
  });

  it('what is hidden cannot be deleted, and is there afterwards', async () => {
    await alice.memory('notes').delete(['sealed', 'no-such']);
    await gus
      .memory('notes')
      .write([{ id: 'of-gus', text: 'the merger and gus', labels: ['finance'] }])
      .catch(() => undefined);
    await gus.memory('notes').delete(['inner']);
    await expect(idsFound(alice)).resolves.toContain('inner');
  });

  it('MEMORY-02: an agent that serves one user recalls nothing of another, however it asks', async () => {
    const ids = ['one', 'two'];
    const texts = ['the first user moves to Lisbon', 'the second user moves to Porto'];
    await alice.memory('users').write(ids.map((id, n) => ({ id, text: texts[n] ?? '', labels: [`user:${n + 1}`] })));
    const users = gus.memory('users');
    const where = { op: 'contains', field: 'labels', value: 'user:1' } as const;
    const found = async (query: MemoryQuery) => {
      const { output } = await users.query(query);
      return ((output as JsonObject)['records'] as { id: string }[]).map(({ id }) => id);
    };
    await expect(found({ text: texts[0] ?? '', k: 100 })).resolves.toEqual(['two']);
    await expect(found({ ids })).resolves.toEqual(['two']);
    await expect(found({ ids, where })).resolves.toEqual([]);
    await expect(found({ text: 'moves', where: { op: 'or', args: [where, { op: 'true' }] } })).resolves.toEqual([
      'two',
    ]);
    await expect(users.delete(ids, { where })).resolves.toMatchObject({ output: { deleted: 0 } });
  });

  it('what became of a record is told to an operator from the ledger: who wrote, read and deleted it', async () => {
    const [mine, theirs] = [alice.memory('notes'), gus.memory('notes')];
    await mine.write([{ id: 'traced', text: 'the kettle', labels: ['public'] }], { call: 'trace-write' });
    await theirs.get(['traced', 'inner'], { call: 'trace-read' });
    await mine.delete(['traced'], { call: 'trace-delete' });
    const traced = await gateway.cli('memory', 'trace', 'traced', '--namespace', 'notes', '--json');
    const { uses } = JSON.parse(traced.stdout) as { readonly uses: readonly JsonObject[] };
    expect(uses).toMatchObject([
      { how: 'write', agent: 'alice', call: 'trace-write' },
      { how: 'read', agent: 'gus', call: 'trace-read', owner: 'alice', writtenBy: 'trace-write' },
      { how: 'delete', agent: 'alice', call: 'trace-delete', deleted: 1, asked: 1 },
    ]);
    await expect(gateway.cli('memory', 'trace', 'nothing')).resolves.toMatchObject({ status: 1 });
  });

  it('a namespace that no policy speaks of is denied', async () => {
    const denied = alice.memory('other').query({ text: 'x' }, { call: 'other' });
    await expect(denied).rejects.toMatchObject({ name: 'Denied', code: 'no_policy_permits' });
  });

  it.each([
    ['an address of this machine, not declared internal', 'http://127.0.0.1:9/'],
    ['the metadata service', 'http://169.254.169.254/latest/meta-data/'],
    ['a name that leads to this machine', 'http://localhost:9/'],
  ])('%s is not dialled, also when somebody put it into the configuration', async (_what, url) => {
    const refused = alice.egress(url, {}, { call: `dial-${new URL(url).hostname}` });
    await expect(refused).rejects.toMatchObject({
      code: expect.stringMatching(/INPUT_URL_REFUSED|EXECUTOR_ADDRESS_REFUSED/),
    });
  });

  it.each([
    ['another method than is declared', '/act', { method: 'POST' as const }, 'INPUT_UNKNOWN_DESTINATION'],
    ['a path that policy excludes', '/private/x', {}, 'no_policy_permits'],
    ['a path that becomes one when dots are resolved', '/a/../private/x', {}, 'INPUT_URL_REFUSED'],
  ])('%s is refused before anything is sent', async (_what, path, init, code) => {
    const before = outside.effects.length;
    await expect(alice.egress(`${outside.url}${path}`, init)).rejects.toMatchObject({ code });
    expect(outside.effects).toHaveLength(before);
  });

  it('a redirect is not followed: the new address is a new request', async () => {
    const before = outside.effects.length;
    const redirected = alice.egress(`${outside.url}/redirect`, {}, { call: 'redirected' });
    await expect(redirected).rejects.toMatchObject({ name: 'Failed', code: 'EXECUTOR_REDIRECTED' });
    expect(outside.effects.slice(before).map(({ path }) => path)).toEqual(['/redirect']);
    await expect(storyOf(gateway, 'redirected')).resolves.toEqual(['egress.fetch.decided', 'egress.fetch.completed']);
    await expect(recordOf(gateway, 'redirected')).resolves.toMatchObject([
      {},
      { why: { code: 'EXECUTOR_REDIRECTED' } },
    ]);
  });
});
