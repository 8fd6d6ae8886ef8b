import type { Agent } from '#writ/agent-sdk';
import { StreamReader } from '#writ/nats';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Gateway, runCli } from '../harness/gateway.js';
import { LEAKED_EMAIL, OutsideService } from './outside-service.js';
import { actingTool, recordOf, startOffice } from './small-office.js';

/** One marked secret of each kind of source. The blanks and signs make their forms differ. */
const SECRETS = {
  env: 'tok-4f9d1c7b2a6e8053d1',
  file: 'file/canary+9a27=c0de&77',
  store: 'store/canary+51b3=f00d&42',
} as const;
/** By the credentials that have them. */
const VALUES = {
  'outside-token': SECRETS.env,
  'file-token': SECRETS.file,
  'store-token': SECRETS.store,
} as const;
const CARD = '4111 1111 1111 1111';

/** What is looked for everywhere: each secret as it is, in a URL, in base64 and in hex. */
const FORMS = Object.values(SECRETS).flatMap((secret) => {
  const bytes = Buffer.from(secret);
  const base64 = bytes.toString('base64').replace(/=+$/, '');
  return [...new Set([secret, encodeURIComponent(secret), base64, bytes.toString('base64url'), bytes.toString('hex')])];
});
const formsIn = (text: string | Buffer) => FORMS.filter((form) => text.includes(form));

const POLICIES = `
@id("staff-acts-without-cards")
@obligations("[{\\"type\\":\\"redact\\",\\"target\\":\\"input\\",\\"detectors\\":[\\"card\\"]}]")
permit (principal in Team::"staff", action == Action::"act", resource);

@id("staff-looks-people-up")
@obligations("[{\\"type\\":\\"redact\\",\\"target\\":\\"output\\",\\"detectors\\":[\\"email\\"]}]")
permit (principal in Team::"staff", action == Action::"person", resource);

@id("staff-leaks")
permit (
  principal in Team::"staff",
  action in [Action::"leak", Action::"leak.file", Action::"leak.store", Action::"leak.failing", Action::"fetch"],
  resource
);
`;

describe('what must not be seen', () => {
  let outside: OutsideService;
  let gateway: Gateway;
  let alice: Agent;
  const answers: unknown[] = [];

  beforeAll(async () => {
    outside = await OutsideService.start();
    const origins = [outside.url];
    const leak = (path: string, credential: string) => actingTool(`${outside.url}${path}`, { credential });
    gateway = await startOffice(outside, {
      config: {
        credentials: {
          'outside-token': { from: { env: 'OUTSIDE_TOKEN' }, origins },
          'file-token': { from: { file: 'token' }, origins },
          'store-token': { from: { secret: 'canary' }, origins, inject: { kind: 'bearer' } },
        },
        destinations: { outside: { origin: outside.url, internal: true, credential: 'outside-token' } },
        tools: {
          person: actingTool(`${outside.url}/person`),
          leak: leak('/echo-secret', 'outside-token'),
          'leak.file': leak('/echo-forms', 'file-token'),
          'leak.store': leak('/echo-forms', 'store-token'),
          'leak.failing': leak('/fail-secret', 'store-token'),
        },
      },
      policies: { 'policies.cedar': POLICIES },
      env: { OUTSIDE_TOKEN: SECRETS.env },
    });
    await writeFile(join(gateway.directory, 'token'), SECRETS.file);
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

  it('of a secret is not in what sets it, and a tool can use it from then on: it is on record by name', async () => {
    await expect(alice.tool('leak.store', { marker: 'x' }, { call: 'too-early' })).rejects.toMatchObject({
      code: 'EXECUTOR_CREDENTIAL_REFUSED',
    });
    const config = join(gateway.directory, 'writ.yaml');
    const args = ['secret', 'set', 'canary', '--config', config, '--data', gateway.paths.dataDir, '--json'];
    const set = await runCli(args, {}, `${SECRETS.store}\n`);
    expect(set.status).toBe(0);
    expect(JSON.parse(set.stdout)).toEqual({ name: 'canary', done: 'set', version: 1, recorded: true });
    await gateway.entry(({ entry }) => entry.type === 'credential.set' && entry.secret === 'canary');
    expect(formsIn(set.stdout + set.stderr)).toEqual([]);
  });

  it.each<[string, string, keyof typeof VALUES, () => Promise<unknown>]>([
    ['a tool', 'leak', 'outside-token', () => alice.tool('leak', { marker: 'x' }, { call: 'leak' })],
    [
      'a destination',
      'egress',
      'outside-token',
      () => alice.egress(`${outside.url}/echo-secret`, {}, { call: 'egress' }),
    ],
    [
      'a destination that fails',
      'failing-egress',
      'outside-token',
      () => alice.egress(`${outside.url}/fail-secret`, {}, { call: 'failing-egress' }),
    ],
    [
      'a tool with a secret of a file, in many forms,',
      'file',
      'file-token',
      () => alice.tool('leak.file', { marker: 'x' }, { call: 'file' }),
    ],
    [
      'a tool with a secret of the store, in many forms,',
      'store',
      'store-token',
      () => alice.tool('leak.store', { marker: 'x' }, { call: 'store' }),
    ],
    [
      'a tool that fails',
      'failing',
      'store-token',
      () => alice.tool('leak.failing', { marker: 'x' }, { call: 'failing' }).catch((error: unknown) => String(error)),
    ],
  ])(
    'of a credential is scrubbed from what %s answers, and its use is on record by name: EXECUTOR-03',
    async (_what, id, cred, ask) => {
      const answer = await ask();
      answers.push(answer);
      expect(outside.effects.at(-1)?.authorization).toBe(`Bearer ${VALUES[cred]}`);
      expect(formsIn(JSON.stringify(answer))).toEqual([]);
      const used = (await recordOf(gateway, id)).filter(({ type }) => type === 'credential.used');
      expect(used).toMatchObject([{ cred, origin: outside.url, echoed: true, who: { agent: 'alice' } }]);
    },
  );

  it('LEDGER-12: is in no file of the data directory: not in the ledger, the values, the commands, the memory or a log', async () => {
    const files = await filesUnder(gateway.paths.dataDir);
    const found: string[] = [];
    for (const file of files) {
      const bytes = await readFile(file).catch(() => Buffer.alloc(0));
      for (const text of [...FORMS, CARD, LEAKED_EMAIL]) if (bytes.includes(text)) found.push(`${text} in ${file}`);
    }
    expect(files.length).toBeGreaterThan(20);
    expect(found).toEqual([]);
  });

  it('is in no value of the vault, opened', async () => {
    const explained = await gateway.cli('explain', 'store', '--json');
    expect(explained.stdout).toContain('[credential:store-token]');
    expect(formsIn(explained.stdout + explained.stderr)).toEqual([]);
  });

  it('is in no message of a stream', async () => {
    const bus = await gateway.service('operator');
    const reader = new StreamReader(bus, { apiPrefix: '$JS.API' });
    for (const stream of ['LEDGER', 'PAYLOADS', 'PAYLOAD_KEYS']) {
      const { messages } = await reader.read(stream, { fromSeq: 1, subject: '>', batch: 256 });
      expect(messages.length).toBeGreaterThan(0);
      expect(messages.flatMap(({ data }) => formsIn(Buffer.from(data)))).toEqual([]);
    }
    await bus.close();
  });

  it('is in the arguments of no process, and in the environment of executors alone', async () => {
    for (const { name, pid } of await gateway.processes()) {
      expect([name, formsIn(await readFile(`/proc/${pid}/cmdline`))]).toEqual([name, []]);
      const known = formsIn(await readFile(`/proc/${pid}/environ`));
      expect([name, known]).toEqual([name, name.startsWith('exec-') ? [SECRETS.env] : []]);
    }
  });

  it('is in no export of the ledger, and no answer', async () => {
    const directory = join(gateway.directory, 'export');
    expect(await gateway.cli('ledger', 'export', directory)).toMatchObject({ status: 0 });
    const exported = await Promise.all((await filesUnder(directory)).map((file) => readFile(file, 'utf8')));
    const text = `${exported.join('\n')} ${JSON.stringify(answers)} ${gateway.stderr}`;
    expect(text).toContain('tool.call.completed');
    for (const secret of [...FORMS, CARD, LEAKED_EMAIL, 'paid with']) expect(text).not.toContain(secret);
  });
});

async function filesUnder(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}
