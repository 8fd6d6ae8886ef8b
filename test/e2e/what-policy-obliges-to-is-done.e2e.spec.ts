import type { Agent } from '#writ/agent-sdk';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { Gateway } from '../harness/gateway.js';
import { recordOf } from './small-office.js';

const text = { type: 'object', required: ['text'], properties: { text: { type: 'string', maxLength: 2_000 } } };
const tool = { kind: 'function', function: 'echo', input: text };
const config = {
  version: 1,
  ledger: 'writ.test/default/2026',
  listen: { port: 0 },
  obligations: 'obligations',
  redactionRules: 'rules.toml',
  agents: { alice: { teams: ['staff'] } },
  tools: { echo: tool, 'echo.out': tool, 'echo.in': tool },
  namespaces: { notes: {} },
};
const RULES = `[[rules]]\nid = "badge"\nregex = "BDG-[0-9]{6}"\nkeywords = ["bdg-"]\n`;
const json = (value: unknown) => JSON.stringify(value).replaceAll('"', '\\"');
const POLICIES = `
@id("staff-uses-tools")
permit (principal in Team::"staff", action in Action::"call", resource);

@id("staff-writes-notes")
permit (principal in Team::"staff", action == Action::"write", resource in Namespace::"notes");

@id("staff-reads-three-notes")
@obligations("${json([{ type: 'limit', rows: 3 }])}")
permit (principal in Team::"staff", action == Action::"query", resource in Namespace::"notes");

@id("sending-out-needs-a-person")
@remedy("${json({ kind: 'approval', template: 'send-out', approvers: 'Team::secops' })}")
@reason_agent("ask for an approval")
forbid (principal, action == Action::"echo.out", resource)
when { context.input.text like "*secret*" };

@id("no-shouting-one-day")
@mode("log_only")
forbid (principal, action == Action::"echo", resource)
when { context.input.text == "SHOUT" };
`;
const OBLIGATIONS = `
@id("tools-answer-briefly-without-addresses")
@obligations("${json([
  { type: 'redact', target: 'output', detectors: ['email'] },
  { type: 'limit', bytes: 500 },
  { type: 'label', labels: ['outside'] },
])}")
permit (principal, action in Action::"call", resource);

@id("services-know-people-by-a-digest")
@obligations("${json([
  { type: 'redact', target: 'input', detectors: ['email'], action: 'hash' },
  { type: 'redact', target: 'output', detectors: ['ssn'], action: 'drop' },
  { type: 'redact', target: 'output', detectors: ['rule-file'] },
])}")
permit (principal, action == Action::"echo.in", resource);

@id("private-notes-stay-private")
@obligations("${json([{ type: 'filter', where: { op: 'not', arg: { op: 'contains', field: 'labels', value: 'private' } } }])}")
permit (principal, action == Action::"query", resource);
`;

describe('what policy obliges to', () => {
  let gateway: Gateway;
  let alice: Agent;

  beforeAll(async () => {
    const directory = await mkdtemp(join(tmpdir(), 'writ-test-'));
    await writeFile(join(directory, 'writ.yaml'), stringify(config));
    await writeFile(join(directory, 'rules.toml'), RULES);
    for (const [set, policies] of Object.entries({ policies: POLICIES, obligations: OBLIGATIONS })) {
      await mkdir(join(directory, set));
      await writeFile(join(directory, set, 'all.cedar'), policies);
    }
    gateway = await Gateway.startIn(directory);
    alice = await gateway.agent('alice');
  }, 120_000);

  afterAll(() => gateway?.stop());

  it('is done by the executor whichever permit fired: redacted, labelled, and on record', async () => {
    const answer = await alice.tool('echo', { text: 'write to a@example.com' }, { call: 'labelled' });
    expect(JSON.stringify(answer.output)).not.toContain('a@example.com');
    expect(answer).toMatchObject({ labels: ['outside'], redactions: [{ kind: 'email' }] });
    await expect(recordOf(gateway, 'labelled')).resolves.toMatchObject([
      { obl: ['redact:output:email', 'limit:bytes:500', 'label:outside'] },
      { lab: ['outside'] },
    ]);
    // Asked again, the answer is the same one.
    await expect(alice.result('labelled')).resolves.toEqual(answer);
  });

  it('leaves the same digest for the same value, whoever takes it out, and nothing where nothing may be left', async () => {
    const answers = await Promise.all(
      ['a@example.com', 'b@example.com', 'a@example.com, ssn 536-22-8726, BDG-204411.'].map((said, n) =>
        alice.tool('echo.in', { text: said }, { call: `hashed-${n}` }),
      ),
    );
    const [first, second, third] = answers.map(({ output }) => (output as { text: string }).text);
    expect(first).toMatch(/^\[hashed:[0-9a-f]{16}:email\]$/);
    expect(second).not.toBe(first);
    expect(third).toBe(`${first}, ssn , [redacted:rule-file].`);
    await expect(recordOf(gateway, 'hashed-2')).resolves.toMatchObject([
      {
        obl: expect.arrayContaining(['redact:input:email:hash', 'redact:output:ssn:drop']),
        red: [{ kind: 'email', n: 1 }],
      },
      {
        red: [
          { kind: 'ssn', n: 1 },
          { kind: 'rule-file', n: 1 },
        ],
      },
    ]);
  });

  it('withholds an answer over the limit', async () => {
    const long = alice.tool('echo', { text: 'x'.repeat(600) });
    await expect(long).rejects.toMatchObject({ name: 'Failed', code: 'EXECUTOR_OUTPUT_TOO_LARGE' });
  });

  it('narrows a memory query to the records and the number that are allowed', async () => {
    const records = Array.from({ length: 8 }, (_, n) => ({
      text: `note ${n} about invoices`,
      labels: n % 2 === 0 ? ['private'] : [],
    }));
    await alice.memory('notes').write(records);
    const { output } = await alice.memory('notes').query({ text: 'invoices', k: 10 });
    const found = (output as { records: { labels: string[] }[] }).records;
    expect(found).toHaveLength(3);
    expect(found.flatMap(({ labels }) => labels)).toEqual([]);
  });

  it('a denial with a remedy says so to the agent, to the record and to the operator', async () => {
    const denied = alice.tool('echo.out', { text: 'a secret' }, { call: 'denied' });
    await expect(denied).rejects.toMatchObject({
      name: 'Denied',
      reason: 'ask for an approval',
      remedies: [{ kind: 'approval', template: 'send-out' }],
    });
    await expect(recordOf(gateway, 'denied')).resolves.toMatchObject([
      { why: { rem: [{ policy: 'sending-out-needs-a-person', kind: 'approval' }] } },
    ]);
    const { stdout } = await gateway.cli('explain', 'denied', '--config', join(gateway.directory, 'writ.yaml'));
    expect(stdout).toContain('when context.input.text like "*secret*"');
    expect(stdout).toContain('context.input.text was "a secret"');
    expect(stdout).toContain('remedy       approval, by sending-out-needs-a-person');
  });

  it('a policy that only logs lets through, and the record says that it would not have', async () => {
    await alice.tool('echo', { text: 'SHOUT' }, { call: 'loud' });
    const [decided] = await recordOf(gateway, 'loud');
    expect(decided).toMatchObject({ eff: { d: 'allow' }, why: { log: [{ id: 'no-shouting-one-day' }] } });
  });
});
