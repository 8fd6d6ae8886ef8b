import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { askAccess } from '../harness/access-api.js';
import { type Gateway, runCli } from '../harness/gateway.js';
import { OutsideService } from './outside-service.js';
import { startOffice } from './small-office.js';

const asks = (agent: string, marker: unknown = 'm') => ({
  subject: { type: 'agent', id: agent },
  action: { name: 'call' },
  resource: { type: 'tool', id: 'act' },
  context: { input: { marker } },
});

describe('another enforcement point', () => {
  let outside: OutsideService;
  let gateway: Gateway;

  beforeAll(async () => {
    outside = await OutsideService.start();
    const clients = { gateway: {}, auditor: { rights: ['evaluate', 'explain'] } };
    gateway = await startOffice(outside, { config: { authzen: { listen: { port: 0 }, clients } } });
  }, 120_000);

  afterAll(async () => {
    await gateway?.stop();
    await outside?.[Symbol.asyncDispose]();
  });

  it('gets an answer that is on record already, and nothing runs by it', async () => {
    const { status, body } = await askAccess(gateway, 'gateway', asks('alice', 'never-run'));
    expect({ status, body }).toMatchObject({ status: 200, body: { decision: true, context: { code: 'permit' } } });
    const { evaluation_id: id } = (body as { context: { evaluation_id: string } }).context;
    const entries = (await gateway.ledger()).map(({ entry }) => entry);
    expect(entries.find((entry) => entry.id === id)).toMatchObject({
      type: 'access.evaluated',
      client: 'gateway',
      who: { agent: 'alice' },
      eff: { d: 'allow' },
      why: { pol: [{ id: 'staff-acts' }] },
      prod: { id: 'pdp-0' },
    });
    expect(entries.filter(({ type }) => type.endsWith('.decided') || type.endsWith('.completed'))).toEqual([]);
    expect(outside.countOf('never-run')).toBe(0);
    expect(JSON.stringify(entries)).not.toContain('never-run');
  });

  it('is told no for what is not there, with the reasons for an operator alone', async () => {
    await expect(askAccess(gateway, 'gateway', asks('nobody'))).resolves.toMatchObject({
      status: 200,
      body: { decision: false, context: { code: 'INPUT_UNKNOWN_AGENT' } },
    });
    const guest = await askAccess(gateway, 'gateway', asks('gus'));
    expect(guest.body).toEqual({
      decision: false,
      context: { code: 'no_policy_permits', evaluation_id: expect.any(String) },
    });
    await expect(askAccess(gateway, 'auditor', asks('gus'))).resolves.toMatchObject({
      body: { context: { reason_admin: { near: [{ id: 'staff-acts', at: 'policies/staff.cedar:3' }] } } },
    });
  });

  it('asks many at a time', async () => {
    const body = { ...asks('alice'), evaluations: [{}, { subject: { type: 'agent', id: 'gus' } }] };
    await expect(askAccess(gateway, 'gateway', body, 'evaluations')).resolves.toMatchObject({
      body: { evaluations: [{ decision: true }, { decision: false }] },
    });
  });

  it('has its token in a file that others cannot read', async () => {
    const { mode } = await stat(gateway.paths.accessToken('gateway'));
    expect(mode & 0o777).toBe(0o600);
  });

  it('is seen by the operator, who gets an explanation and a verified export', async () => {
    const { body } = await askAccess(gateway, 'gateway', asks('gus', 'explained'));
    const { evaluation_id: id } = (body as { context: { evaluation_id: string } }).context;
    const evaluated = (await gateway.ledger()).find(({ entry }) => entry.id === id);
    await gateway.entry(({ entry }) => entry.type === 'decision.explained' && entry.of.seq === evaluated?.seq);
    const explained = await gateway.cli('explain', id);
    expect(explained).toMatchObject({ status: 0 });
    expect(explained.stdout).toContain('asked by     gateway, request r-1, over AuthZEN');
    expect(explained.stdout).toMatch(/DENY {2}no_policy_permits[^]*nearest +policies\/staff.cedar:3[^]*"explained"/);
    const exported = join(gateway.directory, 'exported');
    expect(await gateway.cli('ledger', 'export', exported)).toMatchObject({ status: 0 });
    const verified = await runCli(['ledger', 'verify', exported, '--root', gateway.paths.rootVkey]);
    expect(verified).toMatchObject({ status: 10 });
  });

  it('gets no decision while the ledger does not answer', async () => {
    const before = (await gateway.ledger()).length;
    gateway.kill(await gateway.pidOf('nats-server'), 'SIGSTOP');
    const asked = await askAccess(gateway, 'gateway', asks('alice'));
    expect(asked).toMatchObject({ status: 503, body: { code: 'LEDGER_UNAVAILABLE' } });
    gateway.kill(await gateway.pidOf('nats-server'), 'SIGCONT');
    expect((await gateway.ledger()).length).toBeGreaterThanOrEqual(before);
  });
});
