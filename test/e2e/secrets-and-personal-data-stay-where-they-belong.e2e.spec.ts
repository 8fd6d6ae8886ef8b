import type { Agent } from '#writ/agent-sdk';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Gateway } from '../harness/gateway.js';
import { LEAKED_EMAIL, OutsideService } from './outside-service.js';
import { actingTool, recordOf, startOffice } from './small-office.js';

const SECRET = 'tok-4f9d1c7b2a6e8053d1';
const CARD = '4111 1111 1111 1111';

const POLICIES = `
@id("staff-acts-without-cards")
@obligations("[{\\"type\\":\\"redact\\",\\"target\\":\\"input\\",\\"detectors\\":[\\"card\\"]}]")
permit (principal in Team::"staff", action == Action::"act", resource);

@id("staff-looks-people-up")
@obligations("[{\\"type\\":\\"redact\\",\\"target\\":\\"output\\",\\"detectors\\":[\\"email\\"]}]")
permit (principal in Team::"staff", action == Action::"person", resource);

@id("staff-leaks")
permit (principal in Team::"staff", action in [Action::"leak", Action::"fetch"], resource);
`;

describe('what must not be seen', () => {
  let outside: OutsideService;
  let gateway: Gateway;
  let alice: Agent;
  const answers: unknown[] = [];

  beforeAll(async () => {
    outside = await OutsideService.start();
    gateway = await startOffice(outside, {
      config: {
        credentials: { 'outside-token': { from: { env: 'OUTSIDE_TOKEN' }, origins: [outside.url] } },
        destinations: { outside: { origin: outside.url, internal: true, credential: 'outside-token' } },
        tools: {
          person: actingTool(`${outside.url}/person`),
          leak: actingTool(`${outside.url}/echo-secret`, { credential: 'outside-token' }),
        },
      },
      policies: { 'policies.cedar': POLICIES },
      env: { OUTSIDE_TOKEN: SECRET },
    });
    alice = await gateway.agent('alice');
  }, 120_000);

  afterAll(async () => {
    await gateway?.stop();
    await outside?.[Symbol.asyncDispose]();
  });

  it('in arguments is gone before the executor sees them, and the record says what was taken out and where', async () => {
    answers.push(await alice.tool('act', { marker: `paid with ${CARD} today` }, { call: 'card' }));
    const [effect] = outside.effects.filter(({ body }) => body.includes('paid with'));
    expect(effect?.body).not.toContain('4111');
    await expect(recordOf(gateway, 'card')).resolves.toMatchObject([
      { type: 'tool.call.decided', red: [{ path: '/marker', kind: 'card', n: 1 }] },
      { type: 'tool.call.completed' },
    ]);
  });

  it('in an answer is gone before it is recorded or returned', async () => {
    const { output, redactions } = await alice.tool('person', { marker: 'who' }, { call: 'person' });
    expect(JSON.stringify(output)).toContain('Ada');
    expect(JSON.stringify(output)).not.toContain(LEAKED_EMAIL);
    expect(redactions).toMatchObject([{ path: '/email', kind: 'email' }]);
    await expect(recordOf(gateway, 'person')).resolves.toMatchObject([
      {},
      { red: [{ path: '/email', kind: 'email' }] },
    ]);
    const explained = await gateway.cli('explain', 'person');
    expect(explained.status).toBe(0);
    expect(explained.stdout).not.toContain(LEAKED_EMAIL);
  });

  it.each([
    ['a tool', 'leak', () => alice.tool('leak', { marker: 'x' }, { call: 'leak' })],
    ['a destination', 'egress', () => alice.egress(`${outside.url}/echo-secret`, {}, { call: 'egress' })],
  ])(
    'of a credential is scrubbed from what %s answers, and its use is on record by name: EXECUTOR-03',
    async (_what, id, ask) => {
      const answer = await ask();
      answers.push(answer);
      expect(outside.effects.at(-1)?.authorization).toBe(`Bearer ${SECRET}`);
      expect(JSON.stringify(answer)).not.toContain(SECRET);
      const used = (await recordOf(gateway, id)).filter(({ type }) => type === 'credential.used');
      expect(used).toMatchObject([
        { cred: 'outside-token', origin: outside.url, echoed: true, who: { agent: 'alice' } },
      ]);
    },
  );

  it('LEDGER-12: is in no file of the data directory: not in the ledger, the values, the commands, the memory or a log', async () => {
    const files = await filesUnder(gateway.paths.dataDir);
    const found: string[] = [];
    for (const file of files) {
      const bytes = await readFile(file).catch(() => Buffer.alloc(0));
      for (const text of [SECRET, CARD, LEAKED_EMAIL]) if (bytes.includes(text)) found.push(`${text} in ${file}`);
    }
    expect(files.length).toBeGreaterThan(20);
    expect(found).toEqual([]);
  });

  it('is in no export of the ledger, and no answer', async () => {
    const directory = join(gateway.directory, 'export');
    expect(await gateway.cli('ledger', 'export', directory)).toMatchObject({ status: 0 });
    const exported = await Promise.all((await filesUnder(directory)).map((file) => readFile(file, 'utf8')));
    const text = `${exported.join('\\n')} ${JSON.stringify(answers)} ${gateway.stderr}`;
    expect(text).toContain('tool.call.completed');
    for (const secret of [SECRET, CARD, LEAKED_EMAIL, 'paid with']) expect(text).not.toContain(secret);
  });
});

async function filesUnder(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}
