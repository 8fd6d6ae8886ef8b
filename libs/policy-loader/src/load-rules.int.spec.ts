import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readCatalogue } from '#writ/catalogue';
import { type PolicyProblem, policyProblemsOf } from '#writ/policy';
import { loadRules } from './load-rules.js';

const yaml = (argument: string): string => `version: 1
ledger: test/default/0
policies: policies
tools:
  mail.send:
    kind: http
    description: sends mail
    method: POST
    url: https://mail.example.com/send
    idempotent: false
    input: { type: object, properties: { to: { type: string }, ${argument}: { type: number } }, additionalProperties: false }
destinations:
  mail: { origin: https://mail.example.com }
`;
const redacting = (path: string, id = 'mail'): string => `@id("${id}")
@obligations("[{\\"type\\":\\"redact\\",\\"target\\":\\"input\\",\\"paths\\":[\\"${path}\\"]}]")
permit (principal == Agent::"support", action == Action::"mail.send", resource);
`;

describe('loadRules', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'writ-rules-'));
    await mkdir(join(directory, 'policies'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  async function load(policies: string, argument = 'weight', onWarning?: (warning: PolicyProblem) => void, more = '') {
    await writeFile(join(directory, 'policies', 'a.cedar'), policies);
    const from = { file: 'writ.yaml', baseDirectory: directory, environment: {} };
    const agents = [{ name: 'support', teams: ['staff'] }];
    const catalogue = readCatalogue(`${yaml(argument)}${more}`, from);
    const dataDir = join(directory, 'data');
    return loadRules({ catalogue, agents, dataDir, ...(onWarning !== undefined && { onWarning }) });
  }

  async function problems(policies: string, argument?: string): Promise<readonly PolicyProblem[]> {
    const thrown: unknown = await load(policies, argument).catch((caught: unknown) => caught);
    const told = policyProblemsOf(thrown);
    if (told.length === 0) throw new Error('no problem was told', { cause: thrown });
    return told;
  }

  const unmatched = (path: string) => ({
    code: 'POLICY_LINT',
    rule: 'redaction-path',
    file: 'policies/a.cedar',
    line: 2,
    col: 1,
    source: redacting(path).split('\n')[1],
    length: redacting(path).split('\n')[1]?.length,
    message: `\`@obligations\` redacts \`${path}\`, which can match no argument of the tools that the policy is about`,
  });

  it('tells a redaction of an argument that is not there at its annotation, with everything else that is wrong', async () => {
    const other =
      '@id("b") @mode("sometimes") permit (principal == Agent::"support", action == Action::"mail.snd", resource);';
    const told = await problems(`${redacting('/bdy')}${other}`);
    expect(told[0]).toEqual(unmatched('/bdy'));
    expect(
      told
        .slice(1)
        .map(({ rule }) => rule)
        .sort(),
    ).toEqual(['unknown-action', 'unknown-mode']);
  });

  it('takes a redaction of an argument that is there, also of one that policies cannot read', async () => {
    await expect(load(redacting('/to'))).resolves.toMatchObject({ policies: { size: 1 } });
    await expect(load(redacting('/weight'))).resolves.toMatchObject({ policies: { size: 1 } });
  });

  it('tells a redaction by the rules of a file where there is none, and a file that is none', async () => {
    const byRules = redacting('/to').replace('\\"paths\\":[\\"/to\\"]', '\\"detectors\\":[\\"rule-file\\"]');
    await expect(problems(byRules)).resolves.toMatchObject([
      { rule: 'redaction-rules', file: 'policies/a.cedar', line: 2 },
    ]);
    const [rules, named] = [join(directory, 'rules.toml'), 'redactionRules: rules.toml\n'];
    await expect(load(byRules, 'weight', undefined, named)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    await writeFile(rules, '[[rules]]\nid = "a"\nregex = "(?=a)"');
    await expect(load(byRules, 'weight', undefined, named)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    await writeFile(rules, '[[rules]]\nid = "a"\nregex = "a"');
    await expect(load(byRules, 'weight', undefined, named)).resolves.toMatchObject({ policies: { size: 1 } });
  });

  it('tells it as well when the files are as before and the tool is not', async () => {
    await load(redacting('/weight'), 'weight');
    await expect(problems(redacting('/weight'), 'size')).resolves.toEqual([unmatched('/weight')]);
  });

  it('warns of an entity that nobody declares: a forbid about it never fires', async () => {
    const text = `@id("a")\nforbid (principal in Team::"staf", action, resource == Host::"mail.example.com")
unless { principal == Agent::"support" || resource == Tool::"mail.send" || resource in Namespace::"notes" };`;
    const warnings: PolicyProblem[] = [];
    await load(text, 'weight', (warning) => warnings.push(warning));
    const warning = { code: 'POLICY_LINT', rule: 'unknown-entity', severity: 'warning', file: 'policies/a.cedar' };
    const [, scope, condition] = text.split('\n');
    const of = (entity: string) => ({ ...warning, length: entity.length, message: `there is no \`${entity}\`` });
    const help = 'did you mean `Team::"staff"`?';
    expect(warnings).toEqual([
      { ...of('Team::"staf"'), line: 2, col: 22, source: scope, help },
      { ...of('Namespace::"notes"'), line: 3, col: 88, source: condition },
    ]);
  });

  it('says of a policy about an unknown tool only that', async () => {
    const told = await problems(redacting('/weight').replace('mail.send', 'mail.snd'));
    expect(told.map(({ rule }) => rule)).toEqual(['unknown-action']);
  });
});
