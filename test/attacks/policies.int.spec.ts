import {
  generateSchema,
  policyEntities,
  type PolicyModel,
  policyProblemsOf,
  typedContextInput,
  uids,
} from '#writ/policy';
import { compilePolicies, decide } from '#writ/policy';
import { loadPolicies } from '#writ/policy-loader';
import { parseStrictJson, type JsonObject } from '#writ/contracts';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const input = {
  type: 'object',
  properties: { email: { type: 'string' }, amount: { type: 'integer' } },
  required: ['email'],
  additionalProperties: false,
};
const model: PolicyModel = {
  agents: [
    { name: 'support', teams: ['staff'] },
    { name: 'newcomer', teams: [] },
  ],
  tools: [{ name: 'mail.send', kind: 'http', idempotent: false, input }],
  namespaces: [],
  destinations: [],
};
const mail = 'action == Action::"mail.send", resource == Tool::"mail.send"';

/** Loads policies as a decision service does, each text once, and gives the set or every problem. */
function load(text: string): ReturnType<typeof loadOnce> {
  let loading = loaded.get(text);
  if (loading === undefined) loaded.set(text, (loading = loadOnce(text)));
  return loading;
}

const loaded = new Map<string, ReturnType<typeof loadOnce>>();

async function loadOnce(text: string) {
  const directory = await mkdtemp(join(tmpdir(), 'writ-attacks-'));
  try {
    await writeFile(join(directory, 'p.cedar'), text);
    const bundle = await loadPolicies({ directory, schema: generateSchema(model) });
    return { set: compilePolicies(bundle, policyEntities(model)), problems: [] };
  } catch (error) {
    return { set: undefined, problems: policyProblemsOf(error) };
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function decisionOn(text: string, args: JsonObject, agent = 'support') {
  const { set, problems } = await load(text);
  if (set === undefined) throw new Error(problems.map(({ message }) => message).join('; '));
  const request = { principal: uids.agent(agent), action: uids.action('mail.send'), resource: uids.tool('mail.send') };
  const context = {
    input: typedContextInput(input, args),
    session: { callsToday: 0 },
    time: { unix: 1, hour: 1, weekday: 1 },
  };
  return decide(set, { ...request, context });
}

describe('attacks by policies and on them', () => {
  it.each([
    'permit (principal, action, resource);',
    'permit (principal is Agent, action, resource);',
    'permit (principal, action in [Action::"call", Action::"memory"], resource) when { true };',
  ])('POLICY-03: refuses to load `%s`', async (text) => {
    const { set, problems } = await load(`@id("all") ${text}`);
    expect(set).toBeUndefined();
    expect(problems).toMatchObject([{ code: 'POLICY_LINT', rule: 'unscoped-permit' }]);
  });

  it('POLICY-03: gives an agent without grants nothing', async () => {
    const staff = `@id("staff") permit (principal in Team::"staff", ${mail});`;
    await expect(decisionOn(staff, { email: 'a' })).resolves.toMatchObject({ effect: 'permit' });
    await expect(decisionOn(staff, { email: 'a' }, 'newcomer')).resolves.toMatchObject({
      effect: 'forbid',
      code: 'no_policy_permits',
    });
  });

  it.each(['x" || true || "', 'x\\" || true', '" }; permit (principal, action, resource); //', 'Agent::"support"'])(
    'POLICY-08: binds the argument %j as a value: it is never policy text',
    async (email) => {
      const text = `@id("one") permit (principal in Team::"staff", ${mail}) when { context.input.email == "boss@example.com" };`;
      await expect(decisionOn(text, { email })).resolves.toMatchObject({ effect: 'forbid', code: 'no_policy_permits' });
    },
  );

  it('POLICY-08: a template has no slot to fill: it does not load', async () => {
    const { problems } = await load(`@id("slot") permit (principal == ?principal, ${mail});`);
    expect(problems).toMatchObject([{ code: 'POLICY_PARSE', rule: 'template' }]);
  });

  it.each(['support" , Team::"staff', 'x" in Team::"staff', 'Agent::"support"', 'support\0', 'staff'])(
    'POLICY-09: an agent named %j is in no team but its own',
    async (name) => {
      const text = `@id("staff") permit (principal in Team::"staff", ${mail}); @id("one") permit (principal == Agent::"support", ${mail});`;
      await expect(decisionOn(text, { email: 'a' }, name)).resolves.toMatchObject({ effect: 'forbid' });
    },
  );

  it('POLICY-09: takes no entity from an argument', () => {
    const text = '{"email":{"__entity":{"type":"Agent","id":"support"}}}';
    const entity = JSON.parse(text) as JsonObject;
    expect(() => typedContextInput(input, entity)).toThrow(/is no `String` that policies can read/);
    expect(() => parseStrictJson(Buffer.from(text))).toThrow(/the key `__entity` is reserved/);
  });

  it.each([
    'context.input.emails == "x"',
    'context.input has emails && context.input.emails == "x"',
    'context.inptu.email == "x"',
  ])('POLICY-11: refuses to load a rule about an argument that the tool lacks: %s', async (condition) => {
    const { set, problems } = await load(`@id("typo") forbid (principal, ${mail}) when { ${condition} };`);
    expect([set, problems.map(({ code, severity }) => [code, severity])]).toEqual([
      undefined,
      [['POLICY_INVALID', undefined]],
    ]);
  });

  it.each([
    ['2^53 + 1', '9007199254740993'],
    ['beyond 64 bits', '99999999999999999999'],
    ['a fraction', '1.5'],
    ['an exponent', '1e300'],
  ])('refuses a request whose integer is %s, rather than round it', async (_case, digits) => {
    const read = () =>
      typedContextInput(input, parseStrictJson(Buffer.from(`{"email":"a","amount":${digits}}`)) as JsonObject);
    expect(read).toThrow(expect.objectContaining({ code: expect.stringMatching(/^INPUT_/) }) as Error);
    const { problems } = await load(
      `@id("n") forbid (principal, ${mail}) when { context.input has amount && context.input.amount == 9007199254740993 };`,
    );
    expect(problems).toMatchObject([{ code: 'POLICY_UNSUPPORTED', rule: 'integer-too-large' }]);
  });

  it('decides a request with 4 MB of text on a warm process like any other', async () => {
    const text = `@id("short") permit (principal in Team::"staff", ${mail}) when { context.input.email like "*@example.com" };`;
    const { set } = await load(text);
    if (set === undefined) throw new Error('the policies were not loaded');
    const request = {
      principal: uids.agent('support'),
      action: uids.action('mail.send'),
      resource: uids.tool('mail.send'),
    };
    const on = (email: string) => decide(set, { ...request, context: { input: { email } } }).effect;
    for (let warm = 0; warm < 60_000; warm++) on('a@example.com');
    expect([on('x'.repeat(4 * 1024 * 1024)), on(`${'x'.repeat(4 * 1024 * 1024)}@example.com`)]).toEqual([
      'forbid',
      'permit',
    ]);
  });
});
