import { setTimeout as delay } from 'node:timers/promises';
import { type Answer, canonicalJson, type CommandBody, type Entry, type EntryBody, type Json } from '#writ/contracts';
import { Fault } from '#writ/faults';
import { DecisionReader, type LedgerMessage } from '#writ/ledger-client';
import { Authority, generateSigningKey, type SigningKey, TrustBundle, trustedKey } from '#writ/signing';
import { commit, FIRST_PREV, newSalt, openBlock, sealBlock } from '#writ/tlog';
import { type CommandDelivery, executeCommand, type ExecutorDependencies } from './execute.js';
import type { ActionRunner } from './runner.js';
import { TakenCommands } from './taken-commands.js';

const LEDGER = 'writ.test/default/2026';
const NOW = Date.UTC(2026, 0, 1);
const REPLY = '_R_.abc.def';
const pdpKey = generateSigningKey('pdp-1');
const executorKey = generateSigningKey('exec-tool-1');
const strangerKey = generateSigningKey('stranger');
const authority = new Authority(
  TrustBundle.parse({
    v: 1,
    ledger: LEDGER,
    keys: [
      trustedKey(pdpKey.verifyKey, 'pdp-1', 'pdp', ['pdp-0']),
      trustedKey(executorKey.verifyKey, 'exec-tool-1', 'tool-executor', ['exec-tool-1']),
    ],
  }),
);

const aCommand = (over: Partial<CommandBody> = {}): CommandBody => ({
  tenant: 'default',
  agent: 'support',
  call: 'c-1',
  kind: 'tool.call',
  executor: 'tool',
  delivery: 'once',
  pool: 'default',
  resource: 'slack.chat.postMessage',
  dig: `sha256:${'0'.repeat(64)}`,
  args: { channel: 'C1', text: 'hello' },
  obligations: [],
  takeBy: NOW + 5_000,
  finishBy: NOW + 10_000,
  reply: REPLY,
  ...over,
});

/** A ledger of one block that holds the decision on the command, as its author wrote it. */
function ledgerWith(
  body: CommandBody,
  salt: string,
  { key = pdpKey, producer = 'pdp-0', effect = 'allow', ledger = LEDGER }: DecisionAuthor = {},
): LedgerMessage {
  const boot = Buffer.alloc(16, 1).toString('base64url');
  const entry = {
    v: 1,
    id: '0'.repeat(26),
    ts: new Date(NOW).toISOString(),
    ledger,
    ten: 'default',
    prod: { id: producer, boot, s: 1 },
    type: `${body.kind}.decided`,
    who: { agent: body.agent },
    act: { kind: body.kind, res: body.resource, dig: body.dig },
    corr: { call: body.call },
    eff: { d: effect, phase: 'decided' },
    why: { code: 'permit', bundle: `sha256:${'0'.repeat(64)}`, pol: [] },
    io: { in: commit(salt, '/in', body.args), in_len: 1 },
    cmd: commit(salt, '/cmd', body as unknown as Json),
    run: { delivery: body.delivery, pool: body.pool, take_by: body.takeBy, finish_by: body.finishBy },
  };
  const draft = { ledger, producer, boot, n: 1, prev: FIRST_PREV, entries: [canonicalJson(entry as unknown as Json)] };
  return { seq: 7, subject: `ledger.block.${producer}`, data: sealBlock(draft, key).bytes };
}

interface DecisionAuthor {
  readonly key?: SigningKey;
  readonly producer?: string;
  readonly effect?: 'allow' | 'deny';
  readonly ledger?: string;
}

/** An executor with everything that it did, in order. */
function anExecutor(
  message: LedgerMessage | 'unreadable',
  runner: ActionRunner = { run: () => Promise.resolve({ output: 'done' }) },
  tokeniser: ExecutorDependencies['tokeniser'] = () => Promise.reject(new Error('no policy here asks for tokens')),
) {
  const did: string[] = [];
  const entries: EntryBody[] = [];
  const answers: Answer[] = [];
  const clock = { now: NOW };
  const dependencies: ExecutorDependencies = {
    identity: { tenant: 'default', kind: 'tool', pool: 'default' },
    decisions: new DecisionReader(
      {
        message: async (seq) => {
          if (message === 'unreadable') throw new Error('the bus is down');
          return seq === message.seq ? message : undefined;
        },
        tail: () => Promise.resolve(undefined),
        append: () => Promise.reject(new Error('executors of this test write through `append`')),
        read: () => Promise.resolve({ messages: [], isUpToDate: true }),
      },
      () => authority,
    ),
    append: (body) => {
      did.push(`record ${body.type}`);
      entries.push(body);
      return Promise.resolve({ seq: 8, i: 0, id: '1'.repeat(26), leaf: Buffer.alloc(32), entry: body as Entry });
    },
    runner: {
      run: (body, signal, onCredential, listener) => {
        did.push('run');
        return runner.run(body, signal, onCredential, listener);
      },
    },
    answer: (reply, answer) => {
      did.push(`answer ${reply}`);
      answers.push(answer);
    },
    report: ({ progress }) => did.push(`report ${progress.progress}`),
    redaction: {},
    tokeniser,
    taken: new TakenCommands(() => clock.now),
    now: () => clock.now,
    log: { info: () => undefined, error: () => undefined },
  };
  const deliver = (data: Uint8Array, over: Partial<CommandDelivery> = {}) =>
    executeCommand(
      {
        delivery: 'once',
        data,
        deliveries: 1,
        msgId: message === 'unreadable' ? undefined : leafOf(message),
        ack: () => did.push('ack'),
        ackConfirmed: async () => void did.push('ack'),
        term: () => did.push('term'),
        retry: () => did.push('retry'),
        working: () => did.push('working'),
        ...over,
      },
      dependencies,
    );
  return { did, entries, answers, deliver, clock };
}

/** The id under which the decision service issues the command of the block's decision. */
const leafOf = ({ data }: LedgerMessage) => openBlock(data).leaves[0]?.toString('base64url');

const message = (body: unknown, salt: string, over: object = {}) =>
  Buffer.from(JSON.stringify({ v: 1, seq: 7, i: 0, salt, body, ...over }));

interface Forgery {
  readonly decided?: CommandBody;
  readonly author?: DecisionAuthor;
  readonly sent?: Partial<CommandBody>;
  readonly envelope?: object;
  readonly now?: number;
}

/** Runs one command that differs from what was decided, or was decided by the wrong hand, and says what came of it. */
async function refusalOf(options: Forgery) {
  const salt = newSalt();
  const decided = options.decided ?? aCommand();
  const executor = anExecutor(ledgerWith(decided, salt, options.author));
  executor.clock.now = options.now ?? NOW;
  await executor.deliver(message({ ...decided, ...options.sent }, salt, options.envelope));
  const [entry] = executor.entries;
  return { did: executor.did, code: entry !== undefined && 'why' in entry ? entry.why.code : undefined };
}

describe('executeCommand', () => {
  it('does not act when the word that the command was taken came after its time: a pause may lie in between', async () => {
    const salt = newSalt();
    const executor = anExecutor(ledgerWith(aCommand(), salt));
    const ackConfirmed = async () => void (executor.clock.now = NOW + 5_001);
    await executor.deliver(message(aCommand(), salt), { ackConfirmed });
    expect([executor.did, executor.entries]).toEqual([[], []]);
  });

  it.each([
    ['one', undefined],
    ['three', 3],
  ])('puts on record after %s how often it was tried', async (_case, attempts) => {
    const salt = newSalt();
    const executor = anExecutor(ledgerWith(aCommand(), salt), {
      run: async (_body, _signal, _onCredential, { onAttempt }) => {
        for (let n = 0; n < (attempts ?? 1); n++) onAttempt();
        throw new Fault('EXECUTOR_FAILED', 'the service answered with status 503');
      },
    });
    await executor.deliver(message(aCommand(), salt));
    const [entry] = executor.entries;
    expect(entry !== undefined && 'cost' in entry && entry.cost.attempts).toBe(attempts);
  });

  it.each([
    [
      'of a call whose agent asked for it, while it runs and not after',
      { progress: true as const },
      ['run', 'report 1'],
    ],
    ['to nobody who did not ask: the service is not asked either', {}, ['run']],
  ])('tells progress %s', async (_case, over, did) => {
    const salt = newSalt();
    const body = aCommand(over);
    let late: ((said: { progress: number }) => void) | undefined;
    const executor = anExecutor(ledgerWith(body, salt), {
      run: async (_body, _signal, _onCredential, { onProgress }) => {
        late = onProgress;
        onProgress?.({ progress: 1 });
        return { output: 'done' };
      },
    });
    await executor.deliver(message(body, salt));
    late?.({ progress: 2 });
    expect(executor.did).toEqual(['ack', ...did, 'record tool.call.completed', `answer ${REPLY}`]);
    expect(JSON.stringify(executor.entries)).not.toContain('progress');
  });

  it('acknowledges before it acts, and records before it answers', async () => {
    const salt = newSalt();
    const executor = anExecutor(ledgerWith(aCommand(), salt));
    await executor.deliver(message(aCommand(), salt));
    expect(executor.did).toEqual(['ack', 'run', 'record tool.call.completed', `answer ${REPLY}`]);
    expect(executor.answers).toEqual([
      { v: 1, call: 'c-1', status: 'completed', output: 'done', entry: '1'.repeat(26) },
    ]);
  });

  it('runs a command that may run again when it comes again after its first deadline: EXECUTOR-01', async () => {
    const salt = newSalt();
    const body = aCommand({ delivery: 'retry' });
    const late = NOW + 5_001;
    const [first, again, ended] = [1, 2, 3].map(() => anExecutor(ledgerWith(body, salt)));
    for (const executor of [first, again]) if (executor !== undefined) executor.clock.now = late;
    if (ended !== undefined) ended.clock.now = body.finishBy + 1;
    await first?.deliver(message(body, salt), { delivery: 'retry' });
    await again?.deliver(message(body, salt), { delivery: 'retry', deliveries: 2 });
    await ended?.deliver(message(body, salt), { delivery: 'retry', deliveries: 2 });
    expect(first?.entries).toMatchObject([{ type: 'command.refused', why: { code: 'COMMAND_EXPIRED' } }]);
    expect(again?.did).toContain('run');
    expect(ended?.did).not.toContain('run');
  });

  it('runs nothing when the bus does not confirm that the command was taken', async () => {
    const salt = newSalt();
    const executor = anExecutor(ledgerWith(aCommand(), salt));
    await executor.deliver(message(aCommand(), salt), { ackConfirmed: () => Promise.reject(new Error('timeout')) });
    expect(executor.did).toEqual([]);
    expect(executor.answers).toEqual([]);
  });

  it('acknowledges a command that may run again only after its outcome is on record', async () => {
    const salt = newSalt();
    const body = aCommand({ delivery: 'retry' });
    const executor = anExecutor(ledgerWith(body, salt));
    await executor.deliver(message(body, salt), { delivery: 'retry' });
    expect(executor.did).toEqual(['run', 'record tool.call.completed', 'ack', `answer ${REPLY}`]);
  });

  it.each<[string, Forgery, string]>([
    [
      'TOCTOU-01: an argument changed after the decision',
      { sent: { args: { channel: 'C2', text: 'hello' } } },
      'COMMAND_MISMATCH',
    ],
    ['TOCTOU-01: another agent', { sent: { agent: 'intern' } }, 'COMMAND_MISMATCH'],
    ['TOCTOU-01: another tool', { sent: { resource: 'bank.pay' } }, 'COMMAND_MISMATCH'],
    [
      'TOCTOU-01: an obligation dropped',
      {
        decided: aCommand({ obligations: [{ type: 'redact', target: 'output', paths: ['/a'] }] }),
        sent: { obligations: [] },
      },
      'COMMAND_MISMATCH',
    ],
    [
      'TOCTOU-01: a filter widened',
      { decided: aCommand({ filter: { op: 'false' } }), sent: { filter: { op: 'true' } } },
      'COMMAND_MISMATCH',
    ],
    ['a later deadline', { sent: { finishBy: NOW + 60_000 } }, 'COMMAND_MISMATCH'],
    ['an answer for somebody else', { sent: { reply: '_R_.other.route' } }, 'COMMAND_MISMATCH'],
    ['an answer on a subject of the bus', { sent: { reply: 'ledger.block.pdp-0' } }, 'COMMAND_BAD_REPLY'],
    ['an answer into an inbox', { sent: { reply: '_INBOX.support.x' } }, 'COMMAND_BAD_REPLY'],
    ['TOCTOU-04: another tenant', { sent: { tenant: 'acme' } }, 'COMMAND_WRONG_POOL'],
    ['TOCTOU-04: another executor’s queue', { sent: { executor: 'egress' } }, 'COMMAND_WRONG_POOL'],
    ['TOCTOU-04: another pool', { sent: { pool: 'staging' } }, 'COMMAND_WRONG_POOL'],
    [
      'TOCTOU-04: a decision of another ledger',
      { author: { ledger: 'writ.staging/default/2026' } },
      'COMMAND_NOT_AUTHORISED',
    ],
    ['a `once` command that came as one that may run again', { sent: { delivery: 'retry' } }, 'COMMAND_WRONG_POOL'],
    ['a deadline that has passed', { now: NOW + 5_001 }, 'COMMAND_EXPIRED'],
    ['a pointer to nothing', { envelope: { seq: 99 } }, 'COMMAND_NOT_IN_LEDGER'],
    ['a pointer behind the block', { envelope: { i: 1 } }, 'COMMAND_NOT_IN_LEDGER'],
    ['a decision that is a denial', { author: { effect: 'deny' } }, 'COMMAND_NOT_AUTHORISED'],
    [
      'IDENTITY-08: an allow signed by an executor',
      { author: { key: executorKey, producer: 'exec-tool-1' } },
      'COMMAND_NOT_AUTHORISED',
    ],
    ['IDENTITY-08: an executor signing as the shard', { author: { key: executorKey } }, 'COMMAND_NOT_AUTHORISED'],
    ['a key that is not in the trust bundle', { author: { key: strangerKey } }, 'COMMAND_NOT_AUTHORISED'],
    ['WIRE-08: an unknown field', { envelope: { priority: 1 } }, 'COMMAND_MALFORMED'],
    ['WIRE-08: version 999', { envelope: { v: 999 } }, 'COMMAND_MALFORMED'],
    ['WIRE-08: no version', { envelope: { v: undefined } }, 'COMMAND_MALFORMED'],
    ['IDENTITY-10: no salt', { envelope: { salt: undefined } }, 'COMMAND_MALFORMED'],
    ['IDENTITY-10: an empty salt', { envelope: { salt: '' } }, 'COMMAND_MALFORMED'],
  ])('refuses %s', async (_case, options, code) => {
    await expect(refusalOf(options)).resolves.toEqual({ did: ['term', 'record command.refused'], code });
  });

  it('takes the same command under another spelling of its JSON: IDENTITY-11', async () => {
    const salt = newSalt();
    const body = aCommand();
    const executor = anExecutor(ledgerWith(body, salt));
    const reordered = Object.fromEntries(Object.entries(body).toReversed());
    await executor.deliver(message(reordered, salt));
    expect(executor.answers).toMatchObject([{ status: 'completed' }]);
  });

  it('runs a command that is delivered twice once: TOCTOU-03', async () => {
    const salt = newSalt();
    const executor = anExecutor(ledgerWith(aCommand(), salt));
    await Promise.all([executor.deliver(message(aCommand(), salt)), executor.deliver(message(aCommand(), salt))]);
    expect(executor.did.filter((what) => what === 'run')).toHaveLength(1);
    expect(executor.entries).toContainEqual(
      expect.objectContaining({ type: 'command.refused', why: { code: 'COMMAND_REPLAYED' } }),
    );
  });

  it.each([
    ['another id', 'A'.repeat(43)],
    ['an id that is not certain', undefined],
  ])('does not run a genuine command that COMMANDS took under %s: TOCTOU-03', async (_case, msgId) => {
    const salt = newSalt();
    const executor = anExecutor(ledgerWith(aCommand(), salt));
    await executor.deliver(message(aCommand(), salt), { msgId });
    expect(executor.did).toEqual(['term', 'record command.refused']);
    expect(executor.entries).toMatchObject([{ type: 'command.refused', why: { code: 'COMMAND_REPLAYED' } }]);
  });

  it('puts the labels of policy on the answer and on record, also when the action failed', async () => {
    const salt = newSalt();
    const body = aCommand({ obligations: [{ type: 'label', labels: ['external', 'pii'] }] });
    const [ok, failing] = [
      anExecutor(ledgerWith(body, salt)),
      anExecutor(ledgerWith(body, salt), { run: () => Promise.reject(new Fault('EXECUTOR_FAILED', 'no')) }),
    ];
    for (const executor of [ok, failing]) {
      await executor.deliver(message(body, salt));
      expect(executor.answers).toMatchObject([{ labels: ['external', 'pii'] }]);
      expect(executor.entries).toMatchObject([{ lab: ['external', 'pii'] }]);
    }
  });

  it('withholds an answer over the limit of policy, measured after redaction', async () => {
    const salt = newSalt();
    const run = () => Promise.resolve({ output: { secret: 'x'.repeat(90), rest: 'y' } });
    const limit = { type: 'limit', bytes: 60 } as const;
    const body = aCommand({ obligations: [limit] });
    const executor = anExecutor(ledgerWith(body, salt), { run });
    await executor.deliver(message(body, salt));
    expect(executor.answers).toMatchObject([{ status: 'failed', code: 'EXECUTOR_OUTPUT_TOO_LARGE' }]);
    expect(JSON.stringify([executor.answers, executor.entries])).not.toContain('xxx');
    const redacted = aCommand({ obligations: [limit, { type: 'redact', target: 'output', paths: ['/secret'] }] });
    const small = anExecutor(ledgerWith(redacted, salt), { run });
    await small.deliver(message(redacted, salt));
    expect(small.answers).toMatchObject([{ status: 'completed', output: { rest: 'y' } }]);
  });

  it('works no longer than policy allows, however late the call may end', async () => {
    const salt = newSalt();
    const body = aCommand({ obligations: [{ type: 'limit', ms: 20 }], finishBy: NOW + 3_600_000 });
    const executor = anExecutor(ledgerWith(body, salt), { run: () => new Promise(() => undefined) });
    await executor.deliver(message(body, salt));
    expect(executor.answers).toMatchObject([{ status: 'failed', code: 'EXECUTOR_TIMEOUT' }]);
  });

  it('does not give an answer that no message could hold', async () => {
    const salt = newSalt();
    const run = () => Promise.resolve({ output: '\u0001'.repeat(100_000) });
    const executor = anExecutor(ledgerWith(aCommand(), salt), { run });
    await executor.deliver(message(aCommand(), salt));
    expect(executor.answers).toMatchObject([{ status: 'failed', code: 'EXECUTOR_OUTPUT_TOO_LARGE' }]);
  });

  it('does not judge a command while the ledger cannot be read', async () => {
    const executor = anExecutor('unreadable');
    await executor.deliver(message(aCommand(), newSalt()));
    expect(executor.did).toEqual(['retry']);
  });

  it('ends an action that hangs, records the time-out and goes on: EXECUTOR-07', async () => {
    const salt = newSalt();
    const body = aCommand({ finishBy: NOW + 20 });
    const executor = anExecutor(ledgerWith(body, salt), { run: () => new Promise(() => undefined) });
    await executor.deliver(message(body, salt));
    expect(executor.answers).toMatchObject([{ status: 'failed', code: 'EXECUTOR_TIMEOUT' }]);
    expect(executor.entries).toMatchObject([{ type: 'tool.call.completed', eff: { d: 'error' } }]);
  });

  it('records a bug of a runner as a failure without its details: EXECUTOR-06', async () => {
    const salt = newSalt();
    const executor = anExecutor(ledgerWith(aCommand(), salt), {
      run: () => Promise.reject(new Error('secret of the inside')),
    });
    await executor.deliver(message(aCommand(), salt));
    expect(executor.answers).toMatchObject([{ status: 'failed', code: 'INTERNAL' }]);
    expect(JSON.stringify([executor.answers, executor.entries])).not.toContain('secret of the inside');
  });

  it('redacts an output before it is cut, and has both on record', async () => {
    const salt = newSalt();
    const body = aCommand({ obligations: [{ type: 'redact', target: 'output', detectors: ['email'] }] });
    const llm = { provider: 'openai', usd_micro: null };
    const output = `${'x'.repeat(40)} someone@example.com ${'y'.repeat(40)}`;
    const run = async () => ({ output, bytes: 99, cut: { bytesMax: 52, hasMore: false }, llm });
    const executor = anExecutor(ledgerWith(body, salt), { run });
    await executor.deliver(message(body, salt));
    const text = JSON.stringify(executor.answers);
    expect(text).toContain('cut: the first 52 of');
    expect(text).not.toContain('someone');
    const entry = executor.entries.find(({ type }) => type === 'tool.call.completed');
    expect(entry).toMatchObject({ io: { cut: true }, cost: { bytes: 99, llm } });
  });

  it('redacts outputs, and error texts, before they are recorded or answered', async () => {
    const obligations = [{ type: 'redact', target: 'output', detectors: ['email'] }] as const;
    const body = aCommand({ obligations: [...obligations].map((each) => ({ ...each, detectors: ['email'] })) });
    const salt = newSalt();
    const ok = anExecutor(ledgerWith(body, salt), {
      run: () => Promise.resolve({ output: { to: 'ann@example.com' } }),
    });
    await ok.deliver(message(body, salt));
    const failing = anExecutor(ledgerWith(body, salt), {
      run: () => Promise.reject(new Fault('EXECUTOR_FAILED', 'no mailbox ann@example.com')),
    });
    await failing.deliver(message(body, salt));
    expect(JSON.stringify([ok.answers, ok.entries, failing.answers, failing.entries])).not.toContain('ann@');
    expect(ok.entries).toMatchObject([{ red: [{ path: '/to', kind: 'email', n: 1 }] }]);
  });

  it.each([
    ['the subject that the call is about', { subject: `S-${'a'.repeat(43)}` }, `S-${'a'.repeat(43)}`],
    ['the agent where none is named', {}, 'support'],
  ])('tokenises outputs, and error texts, for %s', async (_case, over, holder) => {
    const body = aCommand({
      obligations: [{ type: 'redact', target: 'output', detectors: ['email'], action: 'tokenise' }],
      ...over,
    });
    const salt = newSalt();
    const outcomes = [
      () => Promise.resolve({ output: { to: 'ann@example.com' } }),
      () => Promise.reject(new Fault('EXECUTOR_FAILED', 'no mailbox ann@example.com')),
    ];
    const answers: Answer[] = [];
    for (const run of outcomes) {
      const tokeniser = (of: string) =>
        Promise.resolve((kind: string, text: string) => `<${of} ${kind} ${text.length}>`);
      const executor = anExecutor(ledgerWith(body, salt), { run }, tokeniser);
      await executor.deliver(message(body, salt));
      answers.push(...executor.answers);
    }
    const token = `<${holder} email 15>`;
    expect(answers).toMatchObject([{ output: { to: token } }, { message: `no mailbox ${token}` }]);
  });

  it('masks what it should tokenise when there is no key to do it with', async () => {
    const body = aCommand({
      obligations: [{ type: 'redact', target: 'output', detectors: ['email'], action: 'tokenise' }],
    });
    const salt = newSalt();
    const runner: ActionRunner = { run: () => Promise.resolve({ output: 'to ann@example.com' }) };
    const executor = anExecutor(ledgerWith(body, salt), runner, () => Promise.reject(new Error('the bus is down')));
    await executor.deliver(message(body, salt));
    expect(executor.answers).toMatchObject([{ status: 'completed', output: 'to [redacted:email]' }]);
  });

  it('does not call an action late that was in time, whatever the key of its tokens takes', async () => {
    const body = aCommand({
      obligations: [{ type: 'redact', target: 'output', detectors: ['email'], action: 'tokenise' }],
      finishBy: NOW + 20,
    });
    const salt = newSalt();
    let deep: Json = 'ann@example.com';
    for (let level = 0; level < 70; level++) deep = [deep];
    let signal: AbortSignal | undefined;
    const runner: ActionRunner = {
      run: (_body, deadline) => {
        signal = deadline;
        return Promise.resolve({ output: deep });
      },
    };
    const tokeniser = async () => {
      // Set later than that of the deadline, so it fires later however busy the machine is.
      await delay(20);
      return (kind: string) => kind;
    };
    const executor = anExecutor(ledgerWith(body, salt), runner, tokeniser);
    await executor.deliver(message(body, salt));
    expect(executor.answers).toMatchObject([{ status: 'failed', code: 'EXECUTOR_REDACTION_FAILED' }]);
    expect(signal?.aborted).toBe(false);
  });

  it('records each credential that was used, never its value, also when the action failed after that', async () => {
    const salt = newSalt();
    const executor = anExecutor(ledgerWith(aCommand(), salt), {
      run: (_body, _signal, onCredential) => {
        onCredential({ name: 'slack-bot-token', origin: 'https://slack.com', echoed: false });
        return Promise.reject(new Fault('EXECUTOR_FAILED', 'the service answered with status 500'));
      },
    });
    await executor.deliver(message(aCommand(), salt));
    expect(executor.entries).toContainEqual(
      expect.objectContaining({ type: 'credential.used', cred: 'slack-bot-token', origin: 'https://slack.com' }),
    );
  });

  it('records a credential that was in use when the action was ended by its deadline', async () => {
    const salt = newSalt();
    const body = aCommand({ finishBy: NOW + 20 });
    const executor = anExecutor(ledgerWith(body, salt), {
      run: (_body, signal, onCredential) =>
        new Promise(() => {
          const use = { name: 'slack-bot-token', origin: 'https://slack.com', echoed: false };
          signal.addEventListener('abort', () => onCredential(use));
        }),
    });
    await executor.deliver(message(body, salt));
    expect(executor.entries).toMatchObject([
      { type: 'credential.used', cred: 'slack-bot-token' },
      { type: 'tool.call.completed', why: { code: 'EXECUTOR_TIMEOUT' } },
    ]);
  });

  it('tells nobody an outcome that could not be recorded', async () => {
    const salt = newSalt();
    const ledger = ledgerWith(aCommand(), salt);
    const executor = anExecutor(ledger);
    await executeCommand(
      {
        delivery: 'once',
        data: message(aCommand(), salt),
        deliveries: 1,
        msgId: leafOf(ledger),
        ack: () => undefined,
        ackConfirmed: () => Promise.resolve(),
        term: () => undefined,
        retry: () => undefined,
        working: () => undefined,
      },
      {
        identity: { tenant: 'default', kind: 'tool', pool: 'default' },
        decisions: new DecisionReader(
          {
            message: () => Promise.resolve(ledger),
            tail: () => Promise.resolve(undefined),
            append: () => Promise.reject(new Error('unused')),
            read: () => Promise.resolve({ messages: [], isUpToDate: true }),
          },
          () => authority,
        ),
        append: () => Promise.reject(new Fault('LEDGER_UNAVAILABLE', 'the ledger is gone')),
        runner: { run: () => Promise.resolve({ output: 'done' }) },
        answer: (_reply, answer) => void executor.answers.push(answer),
        report: () => undefined,
        redaction: {},
        tokeniser: () => Promise.reject(new Error('unused')),
        taken: new TakenCommands(() => NOW),
        now: () => NOW,
        log: { info: () => undefined, error: () => undefined },
      },
    );
    expect(executor.answers).toEqual([]);
  });
});
