import { Fault } from '#writ/faults';
import { canonicalJson, REQUEST_KINDS } from '#writ/contracts';
import { openAuthorised } from '#writ/ledger-client';
import { Authority, generateSigningKey, type SigningKey, trustedKey } from '#writ/signing';
import { FIRST_PREV, sealBlock } from '#writ/tlog';
import type { StreamReader } from '#writ/nats';
import { Deadlines } from '../../apps/policy-decision/src/deadlines.js';
import { DecisionServiceInMemory } from './decision-service.js';

const echo = (call: string, more: object = {}) => ({ v: 1, call, tool: 'demo.echo', args: { text: 'hello' }, ...more });

/** Sends one body and says how it was refused, and whether anything came of it. */
async function refusalOf(agent: string, body: unknown) {
  const service = new DecisionServiceInMemory();
  const answer = await service.send(agent, 'tool.call', body);
  const decided = service.recorded.filter(({ type }) => type.endsWith('.decided'));
  return { code: answer?.status === 'refused' ? answer.code : answer?.status, decided: decided.length, service };
}

describe('a request that lies about who asks', () => {
  it.each(['agent', 'tenant', 'who'])('IDENTITY-01: refuses a body that names an agent (`%s`)', async (member) => {
    const { code, decided, service } = await refusalOf('intern', echo('c-1', { [member]: 'support' }));
    expect({ code, decided }).toEqual({ code: 'INPUT_IDENTITY_MISMATCH', decided: 0 });
    // It is on record under the agent that the bus authorised, and nothing is under the one that it named.
    expect(service.recorded).toMatchObject([{ type: 'request.refused', who: { agent: 'intern' } }]);
    expect(service.calls.allowedToday('support', service.nowMs)).toBe(0);
  });

  it.each(['principal', 'user'])(
    'IDENTITY-15: refuses a body that names a user or a principal (`%s`)',
    async (member) => {
      const { code, decided } = await refusalOf('intern', echo('c-1', { [member]: 'User::"boss"' }));
      expect({ code, decided }).toEqual({ code: 'INPUT_IDENTITY_MISMATCH', decided: 0 });
    },
  );

  it('IDENTITY-13: refuses an agent from the moment that its revocation is on record', async () => {
    const service = new DecisionServiceInMemory();
    await service.send('support', 'tool.call', echo('c-1'));
    const revoked = await service.append({ type: 'agent.identity.revoked', who: { agent: 'support' }, key: 'U' });
    service.calls.apply({ seq: revoked.seq, i: 0, entry: JSON.parse(revoked.text) as never });
    await expect(service.send('support', 'tool.call', echo('c-2'))).resolves.toMatchObject({
      status: 'refused',
      code: 'INPUT_UNKNOWN_AGENT',
    });
    expect(service.commands).toHaveLength(1);
  });
});

describe('a request that names what is not its own', () => {
  it.each([
    ['a namespace above', 'memory.query', { namespace: '../other-agent/plan', text: 'plan' }, 'INPUT_INVALID'],
    ['every namespace', 'memory.query', { namespace: '*', text: 'plan' }, 'INPUT_INVALID'],
    [
      'a namespace that nobody declared',
      'memory.query',
      { namespace: 'agentB.secret', text: 'x' },
      'INPUT_UNKNOWN_NAMESPACE',
    ],
    ['a record above', 'memory.query', { namespace: 'agentB.secret', ids: ['../other-agent/plan'] }, 'INPUT_INVALID'],
    ['every record', 'memory.delete', { namespace: 'agentB.secret', ids: ['*'] }, 'INPUT_INVALID'],
    ['a filter in SQL', 'memory.query', { namespace: 'agentB.secret', text: 'x', where: '1 OR 1=1' }, 'INPUT_INVALID'],
  ])('MEMORY-01: refuses %s', async (_what, operation, body, code) => {
    const service = new DecisionServiceInMemory();
    await expect(service.send('support', operation, { v: 1, call: 'c-1', ...body })).resolves.toMatchObject({
      status: 'refused',
      code,
    });
    expect(service.commands).toEqual([]);
  });
});

describe('a request that two readers would read differently', () => {
  const service = new DecisionServiceInMemory();
  const codeOf = async (text: string) => {
    const answer = await service.sendText('support', 'tool.call', text);
    return answer?.status === 'refused' ? answer.code : answer?.status;
  };

  it.each([
    '{"v":1,"call":"c","tool":"demo.echo","tool":"demo.delete","args":{"text":"a"}}',
    '{"v":1,"call":"c","tool":"demo.echo","args":{"text":"a","text":"b"}}',
    '{"v":1,"call":"c","tool":"demo.echo","args":{"text":"a","\\u0074ext":"b"}}',
  ])('WIRE-01: refuses a duplicate key wherever it stands', async (text) => {
    await expect(codeOf(text)).resolves.toBe('INPUT_DUPLICATE_KEY');
  });

  it('WIRE-03: refuses deep nesting at its limit, and goes on', async () => {
    const nested = (depth: number) =>
      `{"v":1,"call":"d","tool":"demo.echo","args":${'['.repeat(depth)}${']'.repeat(depth)}}`;
    await expect(codeOf(nested(15))).resolves.toBe('INPUT_INVALID');
    await expect(codeOf(nested(16))).resolves.toBe('INPUT_TOO_DEEP');
    await expect(codeOf('{"a":'.repeat(10_000))).resolves.toBe('INPUT_TOO_DEEP');
  });

  it('WIRE-04: refuses a payload over the limit before it is parsed, and records no part of it', async () => {
    await expect(codeOf('x'.repeat(65_537))).resolves.toBe('INPUT_TOO_LARGE');
    await expect(codeOf('x'.repeat(65_536))).resolves.toBe('INPUT_NOT_JSON');
    expect(JSON.stringify(service.recorded)).not.toContain('xxx');
  });

  it.each(REQUEST_KINDS)('WIRE-08: refuses unknown fields and versions of every request (%s)', async (operation) => {
    const bodies = {
      'tool.call': { tool: 'demo.echo', args: { text: 'a' } },
      'memory.query': { namespace: 'a', text: 'a' },
      'memory.write': { namespace: 'a', records: [{ text: 'a' }] },
      'memory.delete': { namespace: 'a', ids: ['a'] },
      'egress.fetch': { url: 'https://example.com/' },
      'egress.connect': { host: 'example.com', port: 443 },
    };
    for (const head of [{ v: 999 }, {}, { v: '1' }, { v: 1, priority: 9 }]) {
      const answer = await service.send('support', operation, { ...head, call: 'v', ...bodies[operation] });
      expect(answer).toMatchObject({ status: 'refused', code: 'INPUT_INVALID' });
    }
  });
});

describe('a decision', () => {
  it('answers a repeated call id with what is on record and decides nothing again', async () => {
    const service = new DecisionServiceInMemory();
    await service.send('support', 'tool.call', echo('c-1'));
    await expect(service.send('support', 'tool.call', echo('c-1'))).resolves.toMatchObject({ status: 'pending' });
    await expect(service.send('support', 'tool.call', echo('c-1', { args: { text: 'other' } }))).resolves.toMatchObject(
      {
        code: 'INPUT_CALL_ID_REUSED',
      },
    );
    expect(service.commands).toHaveLength(1);
  });

  it('tells the agent of a denial the code and nothing else', async () => {
    const service = new DecisionServiceInMemory();
    const answer = await service.send('intern', 'tool.call', echo('c-1'));
    expect(answer).toEqual({
      v: 1,
      call: 'c-1',
      status: 'denied',
      code: 'no_policy_permits',
      entry: expect.any(String),
    });
    // The operator sees the permit that came nearest.
    await service.explain();
    expect(service.recorded).toMatchObject([
      { why: { code: 'no_policy_permits' } },
      { type: 'decision.explained', of: { seq: 1, i: 0 }, near: [{ id: 'staff-may-echo', line: 3 }] },
    ]);
  });

  it('records a flood of refusals as one entry and a count', async () => {
    const service = new DecisionServiceInMemory();
    for (let n = 0; n < 500; n++) await service.send('intern', 'tool.call', 'nonsense');
    expect(service.recorded).toHaveLength(1);
    service.nowMs += 60_000;
    await service.refusals.flush();
    expect(service.recorded).toMatchObject([{ n: 1 }, { type: 'request.refused', n: 499 }]);
  });

  it.each(['LEDGER_UNAVAILABLE', 'LEDGER_FULL', 'LEDGER_FENCED'] as const)(
    'AVAILABILITY-05: issues no command when the ledger cannot be written (%s)',
    async (code) => {
      const service = new DecisionServiceInMemory();
      service.ledgerFault = new Fault(code, 'gone');
      await expect(service.send('support', 'tool.call', echo('c-1'))).resolves.toMatchObject({
        status: 'refused',
        code,
      });
      expect(service.commands).toEqual([]);
      service.ledgerFault = undefined;
      // The id is free again, for nothing is on record under it.
      await expect(service.send('support', 'tool.call', echo('c-1'))).resolves.toBeUndefined();
      expect(service.commands).toHaveLength(1);
    },
  );
});

describe('an executor that died', () => {
  it('EXECUTOR-01: ends a call whose outcome never came as indeterminate, and one never taken as expired', async () => {
    const service = new DecisionServiceInMemory();
    await service.send('support', 'tool.call', echo('taken'));
    await service.send('support', 'tool.call', echo('waiting'));
    const waiting = Buffer.from(JSON.stringify(service.commands[1]));
    const deadlines = new Deadlines({
      calls: service.calls,
      commands: {
        read: () => Promise.resolve({ messages: [{ data: waiting }], upToDate: true }),
      } as unknown as StreamReader,
      appendFor: () => async (body) => {
        const { seq, text } = await service.append(body);
        service.calls.apply({ seq, i: 0, entry: JSON.parse(text) as never });
      },
      catchUp: () => Promise.resolve(),
      now: () => service.nowMs,
      log: { error: () => undefined },
    });
    service.nowMs += 60_000;
    await deadlines.sweep();
    const ends = service.recorded.filter(({ type }) => type.startsWith('call.'));
    expect(ends).toMatchObject([
      { type: 'call.indeterminate', corr: { call: 'taken' } },
      { type: 'call.expired', corr: { call: 'waiting' } },
    ]);
    // The agent's own retry is told the same, and runs nothing.
    await expect(service.send('support', 'tool.call', echo('taken'))).resolves.toMatchObject({
      status: 'indeterminate',
    });
    expect(service.commands).toHaveLength(2);
  });
});

describe('an outcome', () => {
  const completed = (dec: { readonly seq: number; readonly i: number }) =>
    ({
      type: 'tool.call.completed',
      who: { agent: 'support' },
      act: { kind: 'tool.call', res: 'demo.echo' },
      corr: { call: 'c-1' },
      eff: { d: 'ok', phase: 'executed' },
      why: { code: 'completed' },
      io: { out: `sd:${'A'.repeat(43)}`, out_len: 1 },
      cost: { ms: 1 },
      dec,
    }) as const;

  it('EXECUTOR-08: ends a call only when it points at the decision that allowed it', async () => {
    const service = new DecisionServiceInMemory();
    await service.send('support', 'tool.call', echo('c-1'));
    const report = async (dec: { readonly seq: number; readonly i: number }) => {
      const { seq, text } = await service.append(completed(dec), undefined, { producer: 'exec-tool-1' });
      service.calls.apply({ seq, i: 0, entry: JSON.parse(text) as never });
      return service.calls.get('support', 'c-1')?.status;
    };
    await expect(report({ seq: 99, i: 0 })).resolves.toBe('open');
    await expect(report({ seq: 1, i: 3 })).resolves.toBe('open');
    await expect(report({ seq: 1, i: 0 })).resolves.toBe('ended');
  });

  it('EXECUTOR-08: counts for nobody when its block is signed by a key that may not report it', () => {
    const [ours, stranger] = [generateSigningKey('exec-tool-1'), generateSigningKey('exec-tool-1')];
    const keys = [trustedKey(ours.verifyKey, 'exec-tool-1', 'tool-executor', ['exec-tool-1'])];
    const authority = new Authority({ v: 1, ledger: 'test/default/0', keys });
    const open = (key: SigningKey, producer: string) => {
      const boot = Buffer.alloc(16).toString('base64url');
      const prod = { id: producer, boot, s: 1 };
      const base = {
        v: 1,
        id: '1'.repeat(26),
        ts: '2026-11-22T10:00:00.000Z',
        ledger: 'test/default/0',
        ten: 'default',
        prod,
      };
      const entries = [canonicalJson({ ...base, ...completed({ seq: 1, i: 0 }) })];
      const block = sealBlock({ ledger: 'test/default/0', producer, boot, n: 1, prev: FIRST_PREV, entries }, key);
      return openAuthorised({ seq: 2, subject: `ledger.block.${producer}`, data: block.bytes }, authority);
    };
    expect(open(ours, 'exec-tool-1').entries).toHaveLength(1);
    expect(() => open(stranger, 'exec-tool-1')).toThrow(Fault);
    expect(() => open(ours, 'exec-memory-1')).toThrow(Fault);
  });
});
