import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Fault } from '#writ/faults';
import {
  compilePolicies,
  decide,
  generateSchema,
  policyEntities,
  type PolicyModel,
  policyProblemsOf,
  uids,
} from '#writ/policy';
import { answerRequest } from './child.js';
import { openCachedBundle } from './bundle-cache.js';
import { loadPolicies } from './load-policies.js';

const model: PolicyModel = {
  agents: [{ name: 'support', teams: ['sales'] }],
  tools: [
    {
      name: 'mail.send',
      kind: 'http',
      idempotent: false,
      input: {
        type: 'object',
        properties: {
          to: { type: 'string' },
          cc: { type: 'array', items: { type: 'string' } },
          weight: { type: 'number' },
        },
        required: ['to'],
        additionalProperties: false,
      },
    },
  ],
  namespaces: ['CRM.customers'],
  destinations: [{ origin: 'https://api.example.com', internal: false }],
};
const schema = generateSchema(model);

const PERMIT = '@id("mail")\npermit (principal == Agent::"support", action == Action::"mail.send", resource);\n';

describe('loadPolicies', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'writ-policies-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  async function load(files: Readonly<Record<string, string | Uint8Array>>, timeoutMs = 60_000) {
    for (const [name, content] of Object.entries(files)) {
      await mkdir(dirname(join(directory, name)), { recursive: true });
      await writeFile(join(directory, name), content);
    }
    return loadPolicies({ directory, schema, timeoutMs, cacheDirectory: join(directory, '.cache') });
  }

  async function cachedBundles(): Promise<readonly string[]> {
    return (await readdir(join(directory, '.cache'))).filter((name) => name.endsWith('.json'));
  }

  async function rejection(files: Readonly<Record<string, string | Uint8Array>>, timeoutMs?: number): Promise<Fault> {
    const thrown: unknown = await load(files, timeoutMs).catch((caught: unknown) => caught);
    if (thrown instanceof Fault) return thrown;
    throw new Error('the policies were loaded', { cause: thrown });
  }

  it('gives each policy with its file, line and text, ready to decide', async () => {
    const bundle = await load({ 'mail.cedar': `// é\n\n${PERMIT}`, 'deep/er/none.cedar': '// nothing\n' });
    expect(bundle.policies.map(({ id, file, line, col }) => ({ id, file, line, col }))).toEqual([
      { id: 'mail', file: 'policies/mail.cedar', line: 3, col: 1 },
    ]);
    expect(bundle.policies[0]?.text).toBe(PERMIT.trim());
    const set = compilePolicies(bundle, policyEntities(model));
    const request = {
      principal: uids.agent('support'),
      action: uids.action('mail.send'),
      resource: uids.tool('mail.send'),
    };
    const decision = decide(set, { ...request, context: { input: { to: 'x' } } });
    expect(decision).toMatchObject({
      effect: 'permit',
      determining: [{ id: 'mail', file: 'policies/mail.cedar', line: 4, col: 1 }],
    });
    expect(set.hash).toMatch(/^sha256:[0-9a-f]{64}$/);
  });

  it('names every problem of every file with line and column', async () => {
    const fault = await rejection({
      'a.cedar': '@id("a") permit (principal == Agent::"support", action, resource) when { 1 = 1 };',
      'b.cedar':
        '// é\n@id("b") forbid (principal, action == Action::"mail.send", resource)\nwhen { "é" == "" || context.input.tos == "x" };\n' +
        '@id("b") forbid (principal, action == Action::"mail.send", resource)\nwhen { context.input.cc.contains("x") };',
    });
    expect(fault.code).toBe('POLICY_PARSE');
    expect(fault.message.split('\n')).toEqual([
      expect.stringMatching(
        /^policies\/a\.cedar:1:74: '=' is not a valid operator in Cedar \(try using '==' instead\)$/,
      ),
      expect.stringMatching(/^policies\/b\.cedar:3:21: attribute `input.tos` .*not found \(did you mean `to`\?\)$/),
      expect.stringMatching(/^policies\/b\.cedar:4:1: the id `b` is taken by policies\/b\.cedar:2$/),
      expect.stringMatching(/^policies\/b\.cedar:5:8: .*optional attribute.*cc/),
    ]);
    expect(policyProblemsOf(fault)).toHaveLength(4);
  });

  it('refuses what breaks a rule of Writ', async () => {
    const cases: readonly (readonly [string, string | Uint8Array, RegExp])[] = [
      ['no id', 'permit (principal == Agent::"support", action, resource);', /has no `@id`/],
      ['a bad id', '@id("a b") permit (principal == Agent::"support", action, resource);', /must match/],
      [
        'an unscoped permit',
        '@id("a") permit (principal is Agent, action, resource);',
        /neither a principal nor a resource/,
      ],
      [
        'a misspelt annotation',
        '@id("a") @obligation("[]") forbid (principal, action, resource);',
        /unknown annotation `@obligation`/,
      ],
      [
        'obligations that are not JSON',
        '@id("a") @obligations("[") permit (principal in Team::"sales", action, resource);',
        /is not JSON: at character 2/,
      ],
      [
        'an obligation of unknown type',
        '@id("a") @obligations("[{\\"type\\":\\"pray\\"}]") permit (principal in Team::"sales", action, resource);',
        /not a list of obligations at `0\.type`: expected one of `redact`, `limit`, `filter`, `label`$/,
      ],
      [
        'obligations on a forbid',
        '@id("a") @obligations("[]") forbid (principal, action, resource);',
        /a forbid cannot have/,
      ],
      [
        'a string without an end',
        '@id("a") forbid (principal, action, resource) when { "x == 1 };',
        /^the string has no `"` at its end$/,
      ],
      ['a policy without an end', '@id("a") forbid (principal, action, resource)', /no `;` at its end/],
      [
        'deep brackets',
        `@id("a") forbid (principal, action, resource) when { ${'('.repeat(200)}true${')'.repeat(200)} };`,
        /deeper than 60/,
      ],
      [
        'a long chain',
        `@id("a") forbid (principal, action, resource) when { ${'1+'.repeat(300)}1 == 0 };`,
        /nests too deeply: about 120/,
      ],
      [
        'a long policy',
        `@id("a") forbid (principal, action, resource) when { "${'x'.repeat(10_240)}" == "" };`,
        /longer than 10240/,
      ],
      ['a template', '@id("a") permit (principal == ?principal, action, resource);', /template/],
      ['bytes that are not text', Uint8Array.of(0xff, 0xfe), /not well-formed UTF-8/],
      [
        'a constructor over an argument',
        '@id("a") forbid (principal, action == Action::"fetch", resource) when { ip(context.input.host).isLoopback() };',
        /extension constructors may not be called with non-literal expressions/,
      ],
      [
        'a literal that a double cannot carry',
        '@id("a") forbid (principal, action, resource) when { 9007199254740993 == 1 };',
        /beyond 2\^53/,
      ],
      [
        'what cannot be a filter',
        '@id("a") forbid (principal, action == Action::"query", resource) when { resource.owner == resource.id };',
        /cannot be a filter over memory records/,
      ],
      [
        'one record',
        '@id("a") forbid (principal, action == Action::"delete", resource == Record::"x/1");',
        /a single record/,
      ],
    ];
    const files = cases.map(([, content], i) => {
      return [
        `c${i}.cedar`,
        typeof content === 'string' ? content.replace('@id("a")', `@id("a${i}")`) : content,
      ] as const;
    });
    const problems = policyProblemsOf(await rejection(Object.fromEntries(files)));
    for (const [i, [name, , message]] of cases.entries()) {
      const found = problems.filter(({ file }) => file === `policies/c${i}.cedar`).map((problem) => problem.message);
      expect([name, found]).toEqual([name, expect.arrayContaining([expect.stringMatching(message)])]);
    }
    expect(new Set(problems.map(({ code }) => code))).toEqual(
      new Set(['POLICY_PARSE', 'POLICY_INVALID', 'POLICY_UNSUPPORTED', 'POLICY_LINT']),
    );
  });

  it('refuses a policy that does not validate with POLICY_INVALID', async () => {
    const fault = await rejection({
      'a.cedar': '@id("a") forbid (principal, action == Action::"mail.sent", resource);',
    });
    expect(fault.code).toBe('POLICY_INVALID');
    expect(fault.message).toMatch(
      /^policies\/a\.cedar:1:\d+: unrecognized action `Action::"mail.sent"` \(did you mean/,
    );
  });

  it('refuses a folder that is not there or has no policy', async () => {
    expect(await rejection({})).toMatchObject({ code: 'POLICY_LINT' });
    const missing = loadPolicies({ directory: join(directory, 'none'), schema });
    await expect(missing).rejects.toMatchObject({ code: 'CONFIG_NOT_FOUND' });
  });

  it('gives up with POLICY_LOADER_FAILED when the child takes too long', async () => {
    expect(await rejection({ 'a.cedar': PERMIT }, 1)).toMatchObject({ code: 'POLICY_LOADER_FAILED' });
  });

  it('takes the bundle of the same content from the cache, and not a damaged one', async () => {
    const first = await load({ 'a.cedar': PERMIT });
    expect(await load({}, 1)).toEqual(first);
    const [file = ''] = await cachedBundles();
    const path = join(directory, '.cache', file);
    const bytes = await readFile(path);
    const at = bytes.indexOf('"support"') + 1;
    for (const damaged of ['', 'damaged', bytes.subarray(0, -1), flipped(bytes, at), flipped(bytes, 3)]) {
      await writeFile(path, damaged);
      await expect(load({}, 1)).rejects.toMatchObject({ code: 'POLICY_LOADER_FAILED' });
    }
    expect(await load({})).toEqual(first);
  });

  it('parses again only what changed, and nothing of what moved or went away', async () => {
    const other = '@id("other") forbid (principal, action == Action::"mail.send", resource) when { false };\n';
    await load({ 'a.cedar': PERMIT + other });
    // What was parsed is marked in the cache, so that it shows in the next bundle.
    const [file = ''] = await cachedBundles();
    const body = (await readFile(join(directory, '.cache', file), 'utf8'))
      .slice(65)
      .replace('"id":"other"}', '"id":"other","description":"x"}');
    const digest = createHash('sha256').update(body).digest('hex');
    await writeFile(join(directory, '.cache', file), `${digest}\n${body}`);

    const warnings: unknown[] = [];
    const onWarning = (warning: unknown) => warnings.push(warning);
    const options = { directory, schema, cacheDirectory: join(directory, '.cache'), onWarning };
    await writeFile(join(directory, 'a.cedar'), `// moved\n${other}`);
    const moved = await loadPolicies({ ...options, timeoutMs: 1 });
    expect(moved.policies).toMatchObject([{ id: 'other', line: 2, annotations: { description: 'x' } }]);
    await writeFile(join(directory, 'a.cedar'), other + PERMIT.replace('"mail"', '"mail-2"'));
    const changed = await loadPolicies(options);
    expect(changed.policies).toMatchObject([{ id: 'other', annotations: { description: 'x' } }, { id: 'mail-2' }]);
    // A warning of Cedar is told again, at the place where its policy stands now.
    expect(warnings).toMatchObject([
      { rule: 'impossible-policy', line: 2 },
      { rule: 'impossible-policy', line: 1 },
    ]);
  });

  it('validates everything again when the tools changed', async () => {
    await load({ 'a.cedar': PERMIT });
    const without = generateSchema({ ...model, tools: [] });
    const again = loadPolicies({ directory, schema: without, cacheDirectory: join(directory, '.cache') });
    await expect(again).rejects.toMatchObject({ code: 'POLICY_INVALID' });
  });

  it('keeps four bundles and no more', async () => {
    await load({ 'a.cedar': PERMIT });
    for (let n = 0; n < 6; n++) await load({ 'a.cedar': `${PERMIT}// ${n}\n` }, 1);
    expect(await cachedBundles()).toHaveLength(4);
    expect(await readdir(join(directory, '.cache'))).toHaveLength(8);
  });

  it('finds a bundle by its hash as it was, when the files are others by now', async () => {
    const first = await load({ 'a.cedar': PERMIT });
    const second = await load({ 'a.cedar': `// moved\n${PERMIT.replace('"mail"', '"mail-2"')}` });
    expect(second.hash).not.toBe(first.hash);
    // As one that another process removes while the folder is read.
    await symlink('nowhere', join(directory, '.cache', 'gone.json'));
    expect(await openCachedBundle(join(directory, '.cache'), first.hash)).toEqual(first);
    expect(await openCachedBundle(join(directory, '.cache'), second.hash)).toEqual(second);
  });

  it('finds no bundle that does not have the hash that it was asked for', async () => {
    const { hash } = await load({ 'a.cedar': PERMIT });
    const cache = join(directory, '.cache');
    const other = `sha256:${'0'.repeat(64)}`;
    expect(await openCachedBundle(cache, other)).toBeUndefined();
    expect(await openCachedBundle(join(directory, 'none'), hash)).toBeUndefined();
    const [file = ''] = (await readdir(cache)).filter((name) => name.endsWith('.texts'));
    const body = (await readFile(join(cache, file), 'utf8')).slice(65);
    // Both claim to be what they are not: the one by its name, the other by its text.
    for (const [claimed, asked] of [
      [body.replace(hash, other), other],
      [body.replace('Agent', 'agent'), hash],
    ] as const) {
      expect(claimed).not.toBe(body);
      await writeFile(join(cache, file), `${createHash('sha256').update(claimed).digest('hex')}\n${claimed}`);
      expect(await openCachedBundle(cache, asked)).toBeUndefined();
    }
  });
});

/** The same bytes but for one bit. */
function flipped(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));
}

describe('answerRequest', () => {
  it('says at which policy Cedar threw, and asks it nothing more', () => {
    const asked: string[] = [];
    const cedar = {
      getCedarVersion: () => '0',
      policyToJson: (text: string) => {
        asked.push(text);
        if (text === 'bad') throw new Error('memory access out of bounds');
        return { type: 'success', json: { conditions: [] } };
      },
    };
    const policies = ['good', 'bad', 'next'].map((text) => ({ key: text, text }));
    const answer = answerRequest(cedar as never, { schema: '', policies, treeDepthMax: 1 });
    expect({ answer, asked }).toMatchObject({ answer: { thrownAt: 'bad' }, asked: ['good', 'bad'] });
  });
});
