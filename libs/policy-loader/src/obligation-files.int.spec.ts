import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compilePolicies, decide, generateSchema, policyEntities, type PolicyModel, uids } from '#writ/policy';
import { loadPolicies } from './load-policies.js';

const model: PolicyModel = {
  agents: [{ name: 'support', teams: [] }],
  tools: [{ name: 'echo', kind: 'http', idempotent: false, input: { type: 'object', additionalProperties: false } }],
  namespaces: [],
  destinations: [],
};
const PERMIT = '@id("echo") permit (principal == Agent::"support", action == Action::"echo", resource);\n';
const LABEL = '@obligations("[{\\"type\\":\\"label\\",\\"labels\\":[\\"x\\"]}]")';
const OBLIGES = `@id("label") ${LABEL} permit (principal, action, resource);\n`;

describe('the files of the second set', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'writ-policies-'));
    await Promise.all(['policies', 'obligations'].map((set) => mkdir(join(directory, set))));
  });
  afterEach(() => rm(directory, { recursive: true }));

  const write = (set: string, text: string) => writeFile(join(directory, set, 'a.cedar'), text);
  const load = async () => {
    const bundle = await loadPolicies({
      directory: join(directory, 'policies'),
      obligationsDirectory: join(directory, 'obligations'),
      schema: generateSchema(model),
      cacheDirectory: join(directory, 'cache'),
    });
    return compilePolicies(bundle, policyEntities(model));
  };
  const ask = async () =>
    decide(await load(), {
      principal: uids.agent('support'),
      action: uids.action('echo'),
      resource: uids.tool('echo'),
      context: {},
    });

  it('oblige and permit nothing, read from the files and then from the cache', async () => {
    await write('policies', PERMIT.replace('support', 'nobody'));
    await write('obligations', OBLIGES);
    await expect(ask()).resolves.toMatchObject({ code: 'no_policy_permits' });
    await expect(ask()).resolves.toMatchObject({ code: 'no_policy_permits' });
    await write('policies', PERMIT);
    const labelled = { effect: 'permit', obligations: [{ type: 'label', labels: ['x'] }] };
    await expect(ask()).resolves.toMatchObject(labelled);
    await expect(ask()).resolves.toMatchObject(labelled);
  });

  it('make another bundle than the same texts in the first set', async () => {
    const scoped = OBLIGES.replace('principal,', 'principal == Agent::"support",');
    await write('policies', PERMIT);
    await write('obligations', scoped);
    const { hash } = await load();
    await write('policies', PERMIT + scoped);
    await write('obligations', '// nothing\n');
    expect((await load()).hash).not.toBe(hash);
  });

  it.each([
    ['a forbid', '@id("a") forbid (principal, action, resource);', 'cannot be a forbid'],
    ['nothing to oblige to', '@id("a") permit (principal, action, resource);', 'has no `@obligations`'],
    ['a mode', `@mode("log_only") ${OBLIGES}`, 'cannot have `@mode`'],
    ['an id of the first set', OBLIGES.replace('label', 'echo'), 'is taken by policies/a.cedar:1'],
  ])('are refused with %s', async (_case, text, complaint) => {
    await write('policies', PERMIT);
    await write('obligations', text);
    await expect(load()).rejects.toThrow(complaint);
    await expect(load()).rejects.toThrow('obligations/a.cedar:1:');
  });
});
