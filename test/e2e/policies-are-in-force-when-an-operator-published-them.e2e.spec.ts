import type { Agent } from '#writ/agent-sdk';
import type { EntryOf } from '#writ/contracts';
import { copyFile, mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { Gateway, runCli } from '../harness/gateway.js';

const config = {
  version: 1,
  ledger: 'writ.test/default/2026',
  listen: { port: 0 },
  policyActivation: 'manifest',
  agents: { alice: { teams: ['staff'] } },
  tools: { echo: { kind: 'function', function: 'echo', input: { type: 'object', additionalProperties: false } } },
};
const policy = (effect: string) => `@id("staff")\n${effect} (principal in Team::"staff", action, resource);\n`;

describe('with `policyActivation: manifest`', () => {
  let directory: string;
  let gateway: Gateway;
  let alice: Agent;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'writ-test-'));
    await writeFile(join(directory, 'writ.yaml'), stringify(config));
    await mkdir(join(directory, 'policies'));
    await change('permit');
  });

  afterAll(() => gateway?.stop());

  const file = (name: string) => join(directory, 'policies', name);
  const change = (effect: string) => writeFile(file('staff.cedar'), policy(effect));
  const publish = (...args: readonly string[]) =>
    runCli(['policy', 'publish', '--config', join(directory, 'writ.yaml'), '--author', 'carol', ...args]);

  async function activations() {
    return (await gateway.ledger()).flatMap(({ entry }) => (entry.type === 'policy.changed' ? [entry] : []));
  }
  const activation = async (matches: (entry: EntryOf<'policy.changed'>) => boolean) =>
    gateway.entry(({ entry }) => entry.type === 'policy.changed' && matches(entry));
  const rejection = (code: string) =>
    gateway.entry(({ entry }) => entry.type === 'policy.rejected' && entry.why.code === code);

  it('nothing starts on policies that nobody published', async () => {
    const up = await runCli(['up', '--config', join(directory, 'writ.yaml'), '--json']);
    expect(up.status).toBe(78);
    expect(JSON.parse(up.stdout)).toMatchObject({ error: { code: 'POLICY_UNSIGNED' } });
  }, 120_000);

  it('what an operator published is in force, and on record with version and author', async () => {
    const published = await publish('--json');
    expect(published).toMatchObject({ status: 0 });
    expect(JSON.parse(published.stdout)).toMatchObject({ version: 1, author: 'carol' });
    gateway = await Gateway.startIn(directory);
    alice = await gateway.agent('alice');
    await expect(alice.tool('echo')).resolves.toMatchObject({ output: {} });
    expect(await activations()).toMatchObject([{ bundle: { old: null }, man: { ver: 1, author: 'carol' } }]);
  }, 120_000);

  it('changed files alone change nothing, and that is on record: POLICY-04', async () => {
    await copyFile(file('manifest.json'), join(directory, 'first.json'));
    await change('forbid');
    await rejection('POLICY_UNSIGNED');
    await expect(alice.tool('echo')).resolves.toBeDefined();
    expect(await activations()).toHaveLength(1);
  });

  it('the next version comes into force, with what differs', async () => {
    expect(await publish()).toMatchObject({ status: 0 });
    const { entry } = await activation(({ man }) => man.ver === 2);
    expect(entry).toMatchObject({ diff: { changed: ['staff'], n: 1 } });
    await expect(alice.tool('echo')).rejects.toMatchObject({ code: 'policy_forbids' });
  });

  it('an older manifest with its old files is a downgrade: refused, and on record: POLICY-05', async () => {
    await change('permit');
    await copyFile(join(directory, 'first.json'), file('manifest.json'));
    await rejection('POLICY_DOWNGRADE');
    await expect(alice.tool('echo')).rejects.toMatchObject({ code: 'policy_forbids' });
  });

  it('is in force again when an operator forces it, and that is on record', async () => {
    expect(await publish('--policy-version', '1', '--over', '2')).toMatchObject({ status: 0 });
    const { entry } = await activation(({ man }) => man.over === 2);
    expect(entry).toMatchObject({ man: { ver: 1, author: 'carol' } });
    await expect(alice.tool('echo')).resolves.toBeDefined();
  });

  it('every decision cites what its chain had activated, which anybody can verify', async () => {
    const out = join(directory, 'export');
    expect(await gateway.cli('ledger', 'export', out)).toMatchObject({ status: 0 });
    expect(await runCli(['ledger', 'verify', out, '--json'])).toMatchObject({ status: 10 });
  });
});
