import type { Agent } from '#writ/agent-sdk';
import { canonicalJson, Command, type Json, type JsonObject, type PayloadValue, subjects } from '#writ/contracts';
import { deploymentPaths, readPayloadKey } from '#writ/deployment';
import { NatsBlockLog, NatsPayloadLog, PayloadOpener, type PlacedEntry } from '#writ/ledger-client';
import type { Bus, BusHeaders } from '#writ/nats';
import { commit, leafHashOfText, newSalt, openBlock } from '#writ/tlog';
import { eventually, type Gateway } from '../harness/gateway.js';
import { OutsideService } from './outside-service.js';
import { recordOf, startOffice } from './small-office.js';

const ONCE = subjects.command('tool', 'once', 'default');
const TAKE_WITHIN_MS = 60_000;

describe('an executor', () => {
  let outside: OutsideService;
  let gateway: Gateway;
  let alice: Agent;
  /** With the decision service's own bus key: the most that anybody can reach who does not hold its signing key. */
  let insider: Bus;

  beforeAll(async () => {
    outside = await OutsideService.start();
    gateway = await startOffice(outside, {
      config: {
        limits: { takeWithinMs: TAKE_WITHIN_MS, ledgerBytesMax: 100_000_000, payloadBytesMax: 100_000_000 },
        // So that there are executors of every kind, on whose queues a command may be published.
        namespaces: { notes: {} },
        destinations: { outside: { origin: outside.url, internal: true } },
      },
    });
    alice = await gateway.agent('alice');
    insider = await gateway.service('pdp-1');
  }, 120_000);

  afterAll(async () => {
    await gateway?.stop();
    await outside?.[Symbol.asyncDispose]();
  });

  /** A call that was really allowed and executed, and the command that the decision service made of it. */
  async function approved(marker: string): Promise<Command> {
    await alice.tool('act', { marker }, { call: marker });
    return commandOf(gateway, insider, await decisionOn(marker));
  }

  async function decisionOn(call: string): Promise<PlacedEntry> {
    const decided = (await gateway.ledger()).find(isDecisionOn(call));
    if (decided === undefined) throw new Error('the decision is not in the ledger');
    return decided;
  }

  /** Publishes as the insider and gives the answer of COMMANDS. */
  async function publish(command: unknown, subject = ONCE, headers: BusHeaders = {}): Promise<unknown> {
    const answer = await insider.request(subject, JSON.stringify(command), { timeoutMs: 5_000, headers });
    const ack: unknown = JSON.parse(Buffer.from(answer.data).toString());
    expect(ack).toMatchObject({ stream: 'COMMANDS' });
    return ack;
  }

  /** Publishes the command and says why it was refused. */
  async function refusalOf(command: unknown, subject = ONCE): Promise<string> {
    const before = (await refusals(gateway)).length;
    await publish(command, subject);
    const refused = await gateway.entry(
      ({ entry }) => entry.type === 'command.refused' && !seen.has(entry.id) && seen.add(entry.id) !== undefined,
    );
    expect((await refusals(gateway)).length).toBe(before + 1);
    return refused.entry.type === 'command.refused' ? refused.entry.why.code : '';
  }
  const seen = new Set<string>();

  it('does what an approved command says, which is known here byte for byte', async () => {
    const command = await approved('genuine');
    expect(Command.parse(command)).toMatchObject({
      body: { agent: 'alice', resource: 'act', args: { marker: 'genuine' } },
    });
    const [decided] = await recordOf(gateway, 'genuine');
    expect(decided).toMatchObject({ cmd: commit(command.salt, '/cmd', command.body as unknown as Json) });
    expect(outside.countOf('genuine')).toBe(1);
  });

  it('refuses a command that points at nothing', async () => {
    const real = await approved('pointer');
    await expect(refusalOf({ ...real, seq: 900_000 })).resolves.toBe('COMMAND_NOT_IN_LEDGER');
    await expect(refusalOf({ ...real, i: 200 })).resolves.toBe('COMMAND_NOT_IN_LEDGER');
    expect(outside.countOf('pointer')).toBe(1);
  });

  it('refuses a forged command over a genuine decision, whatever in it was changed: TOCTOU-01', async () => {
    const real = await approved('changed');
    const bend = (body: JsonObject): JsonObject => ({
      ...real,
      body: { ...(real.body as unknown as JsonObject), ...body },
    });
    const forged = [
      bend({ args: { marker: 'changed-arguments' } }),
      bend({ call: 'another-call' }),
      bend({ agent: 'gus' }),
      bend({ takeBy: real.body.takeBy + 1 }),
      bend({ finishBy: real.body.finishBy + 1 }),
      bend({ obligations: [{ type: 'redact', target: 'output', paths: ['/x'] }] }),
      { ...(real as unknown as JsonObject), salt: newSalt() },
    ];
    for (const command of forged) await expect(refusalOf(command)).resolves.toBe('COMMAND_MISMATCH');
    expect(outside.effects.filter(({ body }) => body.includes('changed'))).toHaveLength(1);
  });

  it('refuses a command whose decision was a denial, or is no decision at all', async () => {
    const real = await approved('authority');
    const gus = await gateway.agent('gus');
    await gus.tool('act', { marker: 'denied' }, { call: 'denied' }).catch(() => undefined);
    const ledger = await gateway.ledger();
    const denied = ledger.find(isDecisionOn('denied'));
    const outcome = ledger.find(({ entry }) => entry.type === 'tool.call.completed');
    for (const place of [denied, outcome]) {
      const command = { ...real, seq: place?.seq, i: place?.i };
      await expect(refusalOf(command)).resolves.toBe('COMMAND_NOT_AUTHORISED');
    }
    expect(outside.countOf('denied')).toBe(0);
  });

  it('runs a genuine command that is published again once, and refuses the copy: TOCTOU-03', async () => {
    const real = await approved('replayed');
    const id = leafHashOfText(canonicalJson((await decisionOn('replayed')).entry as unknown as Json));
    const underItsId = () => publish(real, ONCE, { 'Nats-Msg-Id': id.toString('base64url') });
    await expect(underItsId()).resolves.toMatchObject({ duplicate: true });
    await expect(refusalOf(real)).resolves.toBe('COMMAND_REPLAYED');

    const pid = await gateway.pidOf('exec-tool-1');
    gateway.kill(pid);
    await eventually(
      async () => ((await gateway.pidOf('exec-tool-1').catch(() => pid)) === pid ? undefined : true),
      'another executor',
    );
    // An executor that never saw the original knows a copy too.
    await expect(underItsId()).resolves.toMatchObject({ duplicate: true });
    await expect(refusalOf(real)).resolves.toBe('COMMAND_REPLAYED');
    expect(outside.countOf('replayed')).toBe(1);
    // A retry of the agent is answered from the record.
    await expect(alice.tool('act', { marker: 'replayed' }, { call: 'replayed' })).resolves.toMatchObject({
      output: { done: true },
    });
    expect(outside.countOf('replayed')).toBe(1);
  });

  it('refuses a command on the queue of another executor or delivery: TOCTOU-04', async () => {
    const real = await approved('elsewhere');
    const wrong = ['cmd.tool.retry.default', 'cmd.memory.once.default', 'cmd.egress.once.default'];
    for (const subject of wrong) await expect(refusalOf(real, subject)).resolves.toBe('COMMAND_WRONG_POOL');
    const tenant = { ...real, body: { ...real.body, tenant: 'other' } };
    await expect(refusalOf(tenant)).resolves.toBe('COMMAND_WRONG_POOL');
    expect(outside.countOf('elsewhere')).toBe(1);
  });

  it('refuses a command that would have it publish on a subject of the bus: BROKER-03', async () => {
    const real = await approved('reply');
    const bent = { ...real, body: { ...real.body, reply: 'ledger.block.exec-tool-1' } };
    await expect(refusalOf(bent)).resolves.toBe('COMMAND_BAD_REPLY');
  });

  it.each([
    ['is not JSON', 'nonsense'],
    ['has no body', { v: 1, seq: 1, i: 0, salt: 'A'.repeat(22) }],
    ['has another version', { v: 999 }],
  ])('goes on after a message that %s: EXECUTOR-06', async (_case, message) => {
    await expect(refusalOf(message)).resolves.toBe('COMMAND_MALFORMED');
    await expect(alice.tool('act', { marker: 'still-alive' })).resolves.toMatchObject({ output: { done: true } });
  });
});

function isDecisionOn(call: string) {
  return ({ entry }: PlacedEntry) => entry.type === 'tool.call.decided' && entry.corr.call === call;
}

async function refusals(gateway: Gateway): Promise<readonly PlacedEntry[]> {
  return (await gateway.ledger()).filter(({ entry }) => entry.type === 'command.refused');
}

/** The command as it was sent: its body and salt are values behind the decision, its arguments stand beside them. */
async function commandOf(gateway: Gateway, bus: Bus, { seq, i, entry }: PlacedEntry): Promise<Command> {
  const message = await new NatsBlockLog(bus, 'LEDGER.API').message(seq);
  if (message === undefined) throw new Error('the block is gone');
  const key = await readPayloadKey(deploymentPaths(gateway.paths.dataDir));
  const values = await new PayloadOpener(new NatsPayloadLog(bus, 'LEDGER.API'), key).values({
    producer: entry.prod.id,
    block: openBlock(message.data).hash,
    entry: entry.id,
    writtenAtMs: Date.parse(entry.ts),
  });
  const of = (path: string): PayloadValue | undefined => values?.find((value) => value.path === path);
  const [command, asked] = [of('/cmd'), of('/in')];
  const body = { args: asked?.value, ...(command?.value as JsonObject) };
  return Command.parse({ v: 1, seq, i, salt: command?.salt, body });
}
