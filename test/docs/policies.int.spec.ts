import { readCatalogue } from '#writ/catalogue';
import { loadPolicies } from '#writ/policy-loader';
import { generateSchema } from '#writ/policy';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { read } from './repository.js';

const EXAMPLES = [...read('docs/policies.md').matchAll(/^```cedar\n([\s\S]*?)^```/gm)].map(([, text]) => text ?? '');

/** The tools that the page declares. */
const DECLARED = [...read('docs/policies.md').matchAll(/^```yaml\n(tools:\n[\s\S]*?)^```/gm)].flatMap(([, text]) => {
  const from = { file: 'docs/policies.md', baseDirectory: '.', environment: {} };
  const { tools } = readCatalogue(`version: 1\nledger: test/default/0\n${text}`, from);
  return [...tools.values()].map(({ name, declaration }) => ({ name, ...declaration }));
});

/** What the examples speak of. */
const SCHEMA = generateSchema({
  agents: [{ name: 'support', teams: ['support', 'interns', 'staff', 'auditors'] }],
  tools: [
    ...DECLARED,
    {
      name: 'slack.chat.postMessage',
      kind: 'http',
      idempotent: false,
      input: { type: 'object', required: ['channel'], properties: { channel: { type: 'string' } } },
    },
    {
      name: 'mail.send',
      kind: 'http',
      idempotent: false,
      input: { type: 'object', required: ['to'], properties: { to: { type: 'string' } } },
    },
  ],
  namespaces: ['CRM.customers'],
  destinations: [{ origin: 'https://status.example.com', internal: false }],
});

describe('docs/policies.md', () => {
  it('shows policies that load without a warning', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'writ-policies-'));
    const warnings: unknown[] = [];
    try {
      for (const set of ['policies', 'obligations']) {
        await mkdir(join(directory, set));
        const texts = EXAMPLES.filter((text) => text.startsWith('// obligations/') === (set === 'obligations'));
        await writeFile(join(directory, set, 'examples.cedar'), texts.join('\n'));
      }
      const bundle = await loadPolicies({
        directory: join(directory, 'policies'),
        obligationsDirectory: join(directory, 'obligations'),
        schema: SCHEMA,
        onWarning: (warning) => warnings.push(warning),
      });
      expect(bundle.policies.map(({ id }) => id)).toEqual(
        expect.arrayContaining(['legal-hold-is-hidden', 'mail-answers-without-addresses', 'no-transfer-far-ahead']),
      );
      expect(warnings).toEqual([]);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });
});
