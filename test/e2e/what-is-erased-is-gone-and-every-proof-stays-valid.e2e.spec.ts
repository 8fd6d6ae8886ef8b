import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Agent } from '#writ/agent-sdk';
import { filesBelow } from '#writ/files';
import { eventually, Gateway, runCli } from '../harness/gateway.js';

const CRM = {
  type: 'object',
  required: ['customer', 'note'],
  properties: { customer: { type: 'string' }, note: { type: 'string' } },
};
/** What comes back of a customer has tokens in the place of addresses. */
const TOKENISE = JSON.stringify([{ type: 'redact', target: 'output', detectors: ['email'], action: 'tokenise' }]);
const FIND = `@id("addresses-are-tokens")
@obligations("${TOKENISE.replaceAll('"', '\\"')}")
permit (principal in Team::"staff", action == Action::"crm.find", resource);
`;
const BASIS = 'GDPR Art. 17, DSR-118';

/** A tool that says whom a call is about, one that does not, and two agents that may use both. */
async function startCrm(): Promise<Gateway> {
  return Gateway.start({
    config: {
      agents: { support: { teams: ['staff'] }, sales: { teams: ['staff'] } },
      limits: { ledgerBytesMax: 100_000_000, payloadBytesMax: 100_000_000 },
      tools: {
        'crm.note': {
          kind: 'function',
          function: 'echo',
          input: CRM,
          dataSubject: { type: 'customer', from: '/customer' },
        },
        'crm.find': {
          kind: 'function',
          function: 'echo',
          input: CRM,
          dataSubject: { type: 'customer', from: '/customer' },
        },
        'crm.echo': { kind: 'function', function: 'echo', input: CRM },
      },
    },
    policies: {
      'all.cedar': '@id("all")\npermit (principal in Team::"staff", action, resource);\n',
      'find.cedar': FIND,
    },
  });
}

async function note(agent: Agent, call: string, customer: string, text = `about ${customer}`) {
  return agent.tool('crm.note', { customer, note: text }, { call: call });
}

interface Explained {
  readonly values: readonly {
    readonly name: string;
    readonly commitment: string;
    readonly erasure?: object;
    readonly value?: unknown;
  }[];
}

async function explained(gateway: Gateway, call: string): Promise<Explained['values']> {
  const { stdout, stderr } = await gateway.cli('explain', call, '--json');
  expect(stderr).toBe('');
  return (JSON.parse(stdout) as Explained).values;
}

const commitments = async (gateway: Gateway, call: string) =>
  (await explained(gateway, call)).map(({ commitment }) => commitment);

/** Whether any file below a folder holds that text. */
async function isOnDisk(folder: string, text: string): Promise<boolean> {
  for await (const file of filesBelow(folder)) {
    if ((await readFile(join(folder, file))).includes(text)) return true;
  }
  return false;
}

// Each story runs the command line several times, and the last starts Writ twice.
const STORY_MS = 90_000;

describe('an erasure', () => {
  let gateway: Gateway;
  let support: Agent;
  let folder: string;
  beforeAll(async () => {
    gateway = await startCrm();
    folder = await mkdtemp(join(tmpdir(), 'writ-erasure-'));
    support = await gateway.agent('support');
  }, STORY_MS);
  afterAll(async () => {
    await gateway.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it(
    'takes the values of one subject for ever, tells whose order it was, and leaves those of others',
    async () => {
      const sales = await gateway.agent('sales');
      await note(support, 'c1', 'cust-anna');
      await note(sales, 'c2', 'cust-anna');
      await note(support, 'c3', 'cust-bert');
      await support.tool('crm.echo', { customer: 'cust-anna', note: 'no subject is declared' }, { call: 'c4' });
      expect(await commitments(gateway, 'c1')).toEqual(['opens', 'opens', 'opens']);
      await gateway.cli('ledger', 'prove', 'c1', '--out', join(folder, 'proof'));

      const wrong = await gateway.cli('ledger', 'erase', '--subject', 'customer:Cust-Anna', '--basis', BASIS, '--yes');
      expect(wrong.stdout).toContain('nothing was erased');
      expect(await commitments(gateway, 'c1')).toEqual(['opens', 'opens', 'opens']);

      const erased = await gateway.cli(
        'ledger',
        'erase',
        '--subject',
        'customer:cust-anna',
        '--basis',
        BASIS,
        '--by',
        'dpo',
        '--yes',
        '--json',
      );
      expect(JSON.parse(erased.stdout)).toMatchObject({ erased: { commitments: 6 } });
      for (const call of ['c1', 'c2']) {
        const values = await explained(gateway, call);
        expect(values.map(({ commitment }) => commitment)).toEqual(['erased', 'erased', 'erased']);
        expect(values[0]).toMatchObject({ erasure: { by: 'dpo', basis: BASIS } });
        expect(values[0]).not.toHaveProperty('value');
      }
      expect(await commitments(gateway, 'c3')).toEqual(['opens', 'opens', 'opens']);
      expect(await commitments(gateway, 'c4')).toEqual(['opens', 'opens', 'opens']);
    },
    STORY_MS,
  );

  it(
    'is done once, however often it is asked for',
    async () => {
      const again = await gateway.cli(
        'ledger',
        'erase',
        '--subject',
        'customer:cust-anna',
        '--basis',
        BASIS,
        '--yes',
        '--json',
      );
      expect(JSON.parse(again.stdout)).toEqual({ erased: { keys: 0, commitments: 0, days: [] } });
      const recorded = (await gateway.ledger()).filter(({ entry }) => entry.type === 'privacy.erased');
      expect(recorded).toHaveLength(1);
    },
    STORY_MS,
  );

  it(
    'takes what is in tokens of the subject too, which the operator could read until then, and leaves those of others',
    async () => {
      const find = async (customer: string, text: string) => {
        const { output } = await support.tool('crm.find', { customer, note: text });
        return (output as { note: string }).note;
      };
      const carl = await find('cust-carl', 'carl@example.com');
      const [dora, found] = [
        await find('cust-dora', 'dora@example.com'),
        await find('cust-carl', 'at carl@example.com'),
      ];
      expect(carl).toMatch(/^\[sealed:[\w-]{22}\.[\w-]{43,}:email\]$/);
      expect(found).toBe(`at ${carl}`);
      const opened = await runCli(
        ['ledger', 'detokenise', '--data', gateway.paths.dataDir],
        {},
        `${carl}\n\n${dora}\n`,
      );
      expect(opened).toMatchObject({ status: 0, stdout: 'carl@example.com\ndora@example.com\n' });

      await gateway.cli('ledger', 'erase', '--subject', 'customer:cust-carl', '--basis', BASIS, '--by', 'dpo', '--yes');
      const gone = await gateway.cli('ledger', 'detokenise', dora, carl);
      expect(gone).toMatchObject({
        status: 1,
        stdout: '',
        stderr: expect.stringContaining('LEDGER_VALUE_GONE: token 2: the value was erased by dpo'),
      });
    },
    STORY_MS,
  );

  it(
    'is not undone by a service that still runs: a stored answer is gone for the agent too',
    async () => {
      await expect(support.result('c1')).rejects.toThrow('no longer stored');
      // The same request again runs nothing again, and gives nothing out.
      await expect(note(support, 'c1', 'cust-anna')).rejects.toThrow('no longer stored');
      await expect(support.result('c3')).resolves.toMatchObject({ output: { customer: 'cust-bert' } });
    },
    STORY_MS,
  );

  it(
    'lets what comes later be stored and read again',
    async () => {
      const isReadAgain = await eventually(async () => {
        const call = `later-${Date.now()}`;
        await note(support, call, 'cust-anna');
        return (await commitments(gateway, call)).every((each) => each === 'opens') || undefined;
      }, 'a value under a new key');
      expect(isReadAgain).toBe(true);
    },
    STORY_MS,
  );

  it(
    'leaves every proof, the log and disclosures of others valid, and discloses nothing erased',
    async () => {
      const root = gateway.paths.rootVkey;
      for (const file of (await readdir(join(folder, 'proof'))).filter((name) => name.endsWith('.tlog-proof'))) {
        expect((await runCli(['ledger', 'verify', join(folder, 'proof', file), '--root', root])).status).toBe(10);
      }
      const exported = await gateway.cli('ledger', 'export', join(folder, 'export'));
      expect(exported.status).toBe(0);
      expect((await runCli(['ledger', 'verify', join(folder, 'export'), '--root', root])).status).toBe(10);
      const gone = await gateway.cli(
        'ledger',
        'disclose',
        'c1',
        '--fields',
        '/in/note',
        '--out',
        join(folder, 'c1.disclosure'),
      );
      expect(gone).toMatchObject({
        status: 1,
        stderr: expect.stringContaining('LEDGER_VALUE_GONE: the values were erased by'),
      });
    },
    STORY_MS,
  );

  it(
    'discloses chosen values that check with the root key alone, and hides the rest',
    async () => {
      const file = join(folder, 'c3.disclosure');
      const disclosed = await gateway.cli('ledger', 'disclose', 'c3', '--fields', '/in/note,/out', '--out', file);
      expect(disclosed.stdout).toBe(`${file}  /in/note, /out\n`);
      const part = join(folder, 'part.disclosure');
      await gateway.cli('ledger', 'disclose', 'c3', '--fields', '/in/note', '--out', part);
      const verified = await runCli(['ledger', 'verify', part, '--root', gateway.paths.rootVkey]);
      expect(verified).toMatchObject({ status: 10, stdout: expect.stringContaining('/in/note = "about cust-bert"') });
      // The note names him; his member of the arguments does not stand in the file.
      expect((await readFile(part, 'utf8')).split('cust-bert')).toHaveLength(2);

      await writeFile(part, (await readFile(part, 'utf8')).replace('about cust-bert', 'about cust-carl'));
      const forged = await runCli(['ledger', 'verify', part, '--root', gateway.paths.rootVkey]);
      expect(forged).toMatchObject({
        status: 40,
        stdout: expect.stringContaining('not the one that the entry commits to'),
      });
    },
    STORY_MS,
  );

  it(
    'names no subject in the ledger, nor in a stream, and refuses a reason that would',
    async () => {
      const named = await gateway.cli(
        'ledger',
        'erase',
        '--subject',
        'customer:cust-bert',
        '--basis',
        'asked by cust-bert',
        '--yes',
      );
      expect(named).toMatchObject({ status: 78, stderr: expect.stringContaining('names the subject') });
      const streams = join(gateway.paths.natsStore, 'jetstream', 'LEDGER', 'streams');
      for (const stream of ['LEDGER', 'PAYLOADS', 'PAYLOAD_KEYS']) {
        expect(await isOnDisk(join(streams, stream), 'cust-bert')).toBe(false);
      }
      expect(await isOnDisk(gateway.paths.logDir, 'cust-bert')).toBe(false);
    },
    STORY_MS,
  );

  it(
    'reaches a backup: keys that come back are destroyed again at the next start, and values without keys do not open',
    async () => {
      const keys = join(gateway.paths.natsStore, 'jetstream', 'LEDGER', 'streams', 'PAYLOAD_KEYS');
      await gateway.stop({ keep: true });
      const backup = join(folder, 'keys');
      await cp(keys, backup, { recursive: true });
      gateway = await Gateway.startIn(gateway.directory);
      const erased = await gateway.cli('ledger', 'erase', '--subject', 'customer:cust-bert', '--basis', BASIS, '--yes');
      expect(erased.stdout).toContain('erased 3 values');
      await gateway.stop({ keep: true });

      await rm(keys, { recursive: true });
      await cp(backup, keys, { recursive: true });
      gateway = await Gateway.startIn(gateway.directory);
      expect(gateway.stderr).toContain('are erased again');
      expect(await commitments(gateway, 'c3')).toEqual(['erased', 'erased', 'erased']);
      expect(await commitments(gateway, 'c4')).toEqual(['opens', 'opens', 'opens']);
    },
    STORY_MS,
  );
});
