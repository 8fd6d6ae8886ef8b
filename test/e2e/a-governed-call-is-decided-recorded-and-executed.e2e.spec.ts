import type { PlacedEntry } from '#writ/ledger-client';
import { Denied, type Agent, type Progress } from '#writ/agent-sdk';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Gateway } from '../harness/gateway.js';
import { packageRoot } from '../harness/package-root.js';
import { OutsideService } from './outside-service.js';
import { recordOf, STAFF_ACTS, startOffice } from './small-office.js';

const EVERYTHING = join(packageRoot, 'node_modules/@modelcontextprotocol/server-everything/dist/index.js');

/** An MCP server whose tool says that it is at work until the file in its first argument is there. */
const COUNTING = `
const { existsSync } = require('node:fs');
const say = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n');
function count(id, progressToken, progress) {
  if (existsSync(process.argv[1])) return say({ id, result: { content: [] } });
  if (progressToken !== undefined)
    say({ method: 'notifications/progress', params: { progressToken, progress, total: 4, message: 'paying with 4111 1111 1111 1111' } });
  setTimeout(count, 20, id, progressToken, progress);
}
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) return;
  if (method === 'initialize')
    say({ id, result: { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 's', version: '1' } } });
  else if (method === 'tools/list') say({ id, result: { tools: [{ name: 'count', inputSchema: { type: 'object' } }] } });
  else if (method === 'tools/call') count(id, params._meta?.progressToken, 1);
  else say({ id, error: { code: -32601, message: 'no' } });
});`;

const MORE = `
@id("staff-uses-the-rest")
permit (
  principal in Team::"staff",
  action in [Action::"everything.get-sum", Action::"query", Action::"write", Action::"delete", Action::"fetch"],
  resource
);

@id("guests-stay-out")
@reason_agent("guests do not act; ask the staff")
forbid (
  principal in Team::"guests",
  action == Action::"act",
  resource
);

@id("staff-counts-without-cards")
@obligations("[{\\"type\\":\\"redact\\",\\"target\\":\\"output\\",\\"detectors\\":[\\"card\\"]}]")
permit (
  principal in Team::"staff",
  action == Action::"slow.count",
  resource
);
`;

describe('a governed call', () => {
  let outside: OutsideService;
  let gateway: Gateway;
  let alice: Agent;
  let gus: Agent;
  let done: string;

  beforeAll(async () => {
    outside = await OutsideService.start();
    done = join(await mkdtemp(join(tmpdir(), 'writ-counting-')), 'done');
    gateway = await startOffice(outside, {
      config: {
        namespaces: { notes: {} },
        destinations: { outside: { origin: outside.url, methods: ['GET'], paths: ['/act'], internal: true } },
        mcpServers: {
          everything: { command: process.execPath, args: [EVERYTHING, 'stdio'] },
          counting: { command: process.execPath, args: ['-e', COUNTING, done], containment: 'none' },
        },
        tools: {
          'slow.count': {
            ...{ kind: 'mcp', server: 'counting', tool: 'count', progress: 'text' },
            ...{ input: { type: 'object' }, timeoutMs: 60_000 },
          },
          'everything.get-sum': {
            kind: 'mcp',
            server: 'everything',
            tool: 'get-sum',
            idempotent: true,
            input: {
              type: 'object',
              required: ['a', 'b'],
              properties: { a: { type: 'integer' }, b: { type: 'integer' } },
            },
          },
        },
      },
      policies: { 'staff.cedar': STAFF_ACTS, 'more.cedar': MORE },
    });
    [alice, gus] = [await gateway.agent('alice'), await gateway.agent('gus')];
  }, 120_000);

  afterAll(async () => {
    await gateway?.stop();
    await outside?.[Symbol.asyncDispose]();
    await rm(join(done, '..'), { recursive: true });
  });

  const staffActs = { id: 'staff-acts', effect: 'permit', file: 'policies/staff.cedar', line: 2, col: 1 };
  const staffUses = { id: 'staff-uses-the-rest', effect: 'permit', file: 'policies/more.cedar', line: 3, col: 1 };

  it.each([
    ['tool.call', () => alice.tool('act', { marker: 'once' }, { call: 'tool' }), 'tool', staffActs],
    ['tool.call', () => alice.tool('everything.get-sum', { a: 2, b: 3 }, { call: 'mcp' }), 'mcp', staffUses],
    [
      'memory.write',
      () => alice.memory('notes').write([{ id: 'n-1', text: 'the kettle is upstairs' }], { call: 'write' }),
      'write',
      staffUses,
    ],
    ['memory.query', () => alice.memory('notes').query({ text: 'kettle' }, { call: 'query' }), 'query', staffUses],
    ['memory.delete', () => alice.memory('notes').delete(['n-1'], { call: 'delete' }), 'delete', staffUses],
    ['egress.fetch', () => alice.egress(`${outside.url}/act`, {}, { call: 'fetch' }), 'fetch', staffUses],
  ])(
    'of kind %s is on record with its policy before it runs and with its outcome after',
    async (kind, ask, call, pol) => {
      const { entry } = await ask();
      const record = await recordOf(gateway, call);
      expect(record).toMatchObject([
        {
          type: `${kind}.decided`,
          who: { agent: 'alice' },
          eff: { d: 'allow' },
          why: { code: 'permit', pol: [pol] },
        },
        { type: `${kind}.completed`, who: { agent: 'alice' }, eff: { d: 'ok' }, id: entry },
      ]);
    },
  );

  it('gives the agent what the service answered', async () => {
    await expect(alice.tool('act', { marker: 'x' })).resolves.toMatchObject({ output: { done: true } });
    const sum = await alice.tool('everything.get-sum', { a: 20, b: 22 });
    expect(JSON.stringify(sum.output)).toContain('42');
    await alice.memory('notes').write([{ id: 'n-2', text: 'the printer is out of paper', labels: ['office'] }]);
    const found = await alice.memory('notes').query({ text: 'printer paper', k: 1 });
    expect(found.output).toMatchObject({ records: [{ id: 'n-2', text: 'the printer is out of paper' }] });
  });

  it('tells the agent that asked how far it is, redacted as its output is; nobody else, and not the ledger', async () => {
    let call: Promise<unknown> = Promise.resolve();
    const first = await new Promise<Progress>((resolve, reject) => {
      call = alice.tool('slow.count', {}, { call: 'counting', onProgress: resolve });
      call.catch(reject);
    });
    expect(first).toEqual({ progress: 1, total: 4, message: 'paying with [redacted:card]' });
    await expect(gus.result('counting')).rejects.toMatchObject({ code: 'INPUT_UNKNOWN_CALL' });
    await writeFile(done, '');
    await expect(call).resolves.toMatchObject({ output: { content: [] } });
    expect(JSON.stringify(await gateway.ledger())).not.toContain('paying');
    await expect(recordOf(gateway, 'counting')).resolves.toMatchObject([
      { type: 'tool.call.decided', eff: { d: 'allow' } },
      { type: 'tool.call.completed', eff: { d: 'ok' } },
    ]);
  });

  it('that a forbid denies names it in the record, and tells the agent what its author chose to tell', async () => {
    const denied = gus.tool('act', { marker: 'forbidden' }, { call: 'forbidden' });
    await expect(denied).rejects.toBeInstanceOf(Denied);
    await expect(denied).rejects.toMatchObject({
      code: 'policy_forbids',
      reason: 'guests do not act; ask the staff',
      callId: 'forbidden',
    });
    await expect(recordOf(gateway, 'forbidden')).resolves.toMatchObject([
      {
        type: 'tool.call.decided',
        eff: { d: 'deny' },
        why: { pol: [{ id: 'guests-stay-out', effect: 'forbid', file: 'policies/more.cedar', line: 11, col: 1 }] },
      },
    ]);
    expect(outside.countOf('forbidden')).toBe(0);
  });

  it('that no policy permits is denied, and the operator sees which permit came nearest and what failed', async () => {
    const denied = gus.tool('echo', { marker: 'nothing' }, { call: 'default-deny' });
    await expect(denied).rejects.toMatchObject({ code: 'no_policy_permits', reason: undefined });
    const near = { id: 'staff-acts', file: 'policies/staff.cedar', line: 3, failed: expect.stringContaining('staff') };
    const { entry } = await gateway.entry(({ entry: each }) => each.type === 'decision.explained');
    expect(entry).toMatchObject({ who: { agent: 'gus' }, corr: { call: 'default-deny' }, near: [near] });
    const ledger = await gateway.ledger();
    const decided = ledger.find((each) => each.entry.type === 'tool.call.decided' && callOf(each) === 'default-deny');
    expect(decided?.entry).toMatchObject({ eff: { d: 'deny' }, why: { code: 'no_policy_permits', pol: [] } });
    expect(JSON.stringify(decided?.entry)).not.toContain('staff-acts');
    expect(entry).toMatchObject({ of: { seq: decided?.seq, i: decided?.i }, prod: { id: decided?.entry.prod.id } });
    const explained = await gateway.cli('explain', 'default-deny');
    expect(explained.stdout).toMatch(
      /nearest +policies\/staff\.cedar:3[^]*failed: [^]*principal was "Agent::\\"gus\\""/,
    );
    expect((await gateway.cli('explain', entry.id)).stdout).toBe(explained.stdout);
    expect(explained.stdout).toMatch(/policies +sha256:\S+ {2}texts as it decided\n/);
  });

  it('leaves no argument and no answer in the ledger, and shows both to the operator', async () => {
    await alice.tool('act', { marker: 'for-the-operator-alone' }, { call: 'values' });
    const ledger = JSON.stringify(await gateway.ledger());
    expect(ledger).not.toContain('for-the-operator-alone');
    const explained = await gateway.cli('explain', 'values', '--json');
    expect(explained.status).toBe(0);
    expect(explained.stdout).toContain('for-the-operator-alone');
  });
});

const callOf = ({ entry }: PlacedEntry): string | undefined => ('corr' in entry ? entry.corr.call : undefined);
