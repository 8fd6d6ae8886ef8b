import type { EntryBody, PayloadValue } from '#writ/contracts';
import { openAuthorised } from '#writ/ledger-client';
import { commit, parseEntry } from '#writ/tlog';
import { completedBody, decidedBody, LedgerBuilder } from '../../../test/harness/ledger-builder.js';
import type { EntryValues } from './entry-values.js';
import { explainCall } from './explain-call.js';
import type { ExplainSources } from './explain-reasons.js';
import type { LocatedEntry } from './find-call.js';

const SALT = 'AAAAAAAAAAAAAAAAAAAAAA';
const ASKED = { channel: '#support', text: 'hello' };
const POLICY = '@id("support-may-post")\n\n\npermit (principal, action, resource);\n';
const BUNDLE = `sha256:${'5b'.repeat(32)}`;

function locate(builder: LedgerBuilder): LocatedEntry[] {
  return builder.messages.flatMap((message) => {
    const block = openAuthorised(message, builder.deployment.authority);
    return block.entries.map((entry, i) => ({ seq: message.seq, i, entry: parseEntry(entry), block }));
  });
}

function decided(d: 'allow' | 'deny', changes: object = {}): EntryBody {
  const io = { in: commit(SALT, '/in', ASKED), in_len: 12 };
  return { ...decidedBody('tool.call', 'c1', d), io, ...changes } as EntryBody;
}

function entries(decision: EntryBody, ...after: readonly EntryBody[]): LocatedEntry[] {
  const builder = new LedgerBuilder();
  builder.block('pdp-0', [builder.entry('pdp-0', decision)]);
  for (const body of after) {
    const producer = body.type.startsWith('call.') ? 'pdp-0' : 'exec-tool-1';
    builder.block(producer, [builder.entry(producer, body)]);
  }
  return locate(builder);
}

const vault = (values: readonly PayloadValue[] | undefined): EntryValues =>
  values === undefined ? { status: 'gone' } : { status: 'stored', values, key: 'k' };

function sources(values: readonly PayloadValue[] | undefined, changes: Partial<ExplainSources> = {}): ExplainSources {
  return {
    values: ({ entry }) => Promise.resolve(vault(entry.type.endsWith('.decided') ? values : undefined)),
    bundle: () => Promise.resolve(undefined),
    policyFile: (file) => Promise.resolve(file === 'policies/support.cedar' ? POLICY : undefined),
    bundleNow: BUNDLE,
    ...changes,
  };
}

const stored: readonly PayloadValue[] = [{ path: '/in', salt: SALT, value: ASKED }];
const explain = (found: LocatedEntry[], from = sources(stored), agent?: string) =>
  explainCall({ entries: found, rejected: [] }, { call: 'c1', agent }, from);

describe('explainCall', () => {
  it('says who asked for what, which policy line answered, with its text, and what came of it', async () => {
    const found = entries(decided('allow'), completedBody('tool.call', 'c1', { seq: 1, i: 0 }));
    await expect(explain(found)).resolves.toMatchObject({
      call: 'c1',
      agent: 'support',
      session: 'sess-77',
      kind: 'tool.call',
      resource: 'slack.chat.postMessage',
      decision: 'allow',
      bundle: { hash: BUNDLE, onDisk: 'same', texts: 'now' },
      policies: [
        { id: 'support-may-post', at: 'policies/support.cedar:4:1', text: 'permit (principal, action, resource);' },
      ],
      obligations: ['redact:output'],
      command: { delivery: 'once', pool: 'default' },
      outcome: { status: 'completed', ms: 12 },
      ledger: [
        { type: 'tool.call.decided', seq: 1, i: 0, producer: 'pdp-0', signedBy: 'pdp-1' },
        { type: 'tool.call.completed', seq: 2, i: 0, producer: 'exec-tool-1', signedBy: 'exec-tool-1' },
      ],
    });
  });

  it('shows the values of the payload store when they open the commitments', async () => {
    const { values } = await explain(entries(decided('deny')));
    expect(values).toEqual([{ name: 'arguments', value: ASKED, commitment: 'opens' }]);
  });

  it.each([
    ['stored once, as what was asked', { reply: 'r' }],
    ['stored with it, because a redaction changed them', { reply: 'r', args: { channel: '[REDACTED]' } }],
  ])('shows the whole command, with arguments %s', async (_case, body) => {
    const whole = { args: ASKED, ...body };
    const found = entries(decided('allow', { cmd: commit(SALT, '/cmd', whole) }));
    const { values } = await explain(found, sources([...stored, { path: '/cmd', salt: SALT, value: body }]));
    expect(values).toContainEqual({ name: 'command', value: whole, commitment: 'opens' });
  });

  it.each([
    // case                        stored                                                            commitment
    ['another value', [{ path: '/in', salt: SALT, value: { channel: '#other' } }], 'differs'],
    ['no value', [], 'gone'],
    ['values past their retention', undefined, 'gone'],
  ])('does not take %s for the committed one', async (_case, values, commitment) => {
    const { values: shown } = await explain(entries(decided('deny')), sources(values));
    expect(shown).toMatchObject([{ name: 'arguments', commitment }]);
  });

  it('names the nearest permit where an earlier release recorded it: in the decision', async () => {
    const near = { id: 'support-may-post', file: 'policies/support.cedar', line: 4, col: 9, failed: 'principal' };
    const why = { code: 'no_policy_permits', bundle: BUNDLE, pol: [], near: [near] };
    const read = [{ id: 'support-may-post', values: { principal: 'Agent::"support"' } }];
    const from = sources([...stored, { path: '/near', salt: SALT, value: read }]);
    const { nearest, outcome } = await explain(entries(decided('deny', { why })), from);
    expect(nearest).toEqual([
      {
        id: 'support-may-post',
        at: 'policies/support.cedar:4:9',
        col: 9,
        clause: 'principal',
        source: 'permit (principal, action, resource);',
        read: { principal: 'Agent::"support"' },
      },
    ]);
    expect(outcome).toEqual({ status: 'none' });
  });

  describe('of a default deny', () => {
    const why = { code: 'no_policy_permits', bundle: BUNDLE, pol: [] };
    const near = { id: 'support-may-post', file: 'policies/support.cedar', line: 4, col: 9, failed: 'principal' };
    const explained = (changes: object = {}): EntryBody => {
      const { who, corr } = decided('deny') as Extract<EntryBody, { type: 'tool.call.decided' }>;
      return { type: 'decision.explained', who, corr, of: { seq: 1, i: 0 }, near: [near], ...changes } as EntryBody;
    };
    /** The decision of `pdp-0` at 1.0, and after it what that producer wrote. */
    const ledger = (after: EntryBody, producer = 'pdp-0'): LocatedEntry[] => {
      const builder = new LedgerBuilder();
      builder.block('pdp-0', [builder.entry('pdp-0', decided('deny', { why }))]);
      builder.block(producer, [builder.entry(producer, after)], 'pdp-1');
      return locate(builder);
    };
    const read = [{ id: 'support-may-post', values: { principal: 'Agent::"support"' } }];
    const from = sources(stored, {
      values: ({ entry }) =>
        Promise.resolve(
          vault(entry.type === 'decision.explained' ? [{ path: '/near', salt: SALT, value: read }] : [...stored]),
        ),
    });

    it('names the nearest permit that its explanation tells, and what the clause read', async () => {
      await expect(explain(ledger(explained()), from)).resolves.toMatchObject({
        nearest: [{ id: 'support-may-post', clause: 'principal', read: { principal: 'Agent::"support"' } }],
        ledger: [{ type: 'tool.call.decided' }, { type: 'decision.explained', seq: 2, i: 0, producer: 'pdp-0' }],
      });
    });

    it.each([
      ['of another decision', explained({ of: { seq: 1, i: 1 } }), 'pdp-0'],
      ['of another agent', explained({ who: { agent: 'intern' } }), 'pdp-0'],
      ['of another call', explained({ corr: { call: 'c2' } }), 'pdp-0'],
      ['in the chain of another producer', explained(), 'pdp-1'],
    ])('takes no explanation %s for its own', async (_what, other, producer) => {
      const { nearest, ledger: places } = await explain(ledger(other, producer), from);
      expect(nearest).toEqual([]);
      expect(places.map(({ type }) => type)).toEqual(['tool.call.decided']);
    });

    it('takes no explanation for its own that stands before it', async () => {
      const builder = new LedgerBuilder();
      builder.block('pdp-0', [builder.entry('pdp-0', explained({ of: { seq: 2, i: 0 } }))]);
      builder.block('pdp-0', [builder.entry('pdp-0', decided('deny', { why }))]);
      await expect(explain(locate(builder), from)).resolves.toMatchObject({ nearest: [] });
    });

    it('lets the first explanation count', async () => {
      const builder = new LedgerBuilder();
      builder.block('pdp-0', [builder.entry('pdp-0', decided('deny', { why }))]);
      const second = explained({ near: [{ ...near, id: 'other' }] });
      for (const body of [explained(), second]) builder.block('pdp-0', [builder.entry('pdp-0', body)]);
      const { nearest } = await explain(locate(builder), from);
      expect(nearest.map(({ id }) => id)).toEqual(['support-may-post']);
    });
  });

  it('tells what held in a deciding forbid, what would help, what only logs, and how a result is marked', async () => {
    const place = { id: 'no-posts', effect: 'forbid', file: 'policies/support.cedar', line: 4, col: 1 } as const;
    const why = {
      code: 'policy_forbids',
      bundle: BUNDLE,
      pol: [place],
      log: [{ ...place, id: 'new-rule' }],
      rem: [{ policy: 'no-posts', kind: 'approval' }],
    };
    const held = [{ id: 'no-posts', line: 4, col: 9, clause: 'when context.input.n > 3', values: { n: 4 } }];
    const from = sources([...stored, { path: '/held', salt: SALT, value: held }]);
    const explained = await explain(entries(decided('deny', { why })), from);
    expect(explained).toMatchObject({
      held: [
        {
          id: 'no-posts',
          at: 'policies/support.cedar:4:9',
          col: 9,
          clause: 'when context.input.n > 3',
          read: { n: 4 },
        },
      ],
      logged: [{ id: 'new-rule' }],
      remedies: [{ policy: 'no-posts', kind: 'approval' }],
      labels: [],
    });
  });

  describe('when the bundle that decided is still kept', () => {
    const text = '@id("support-may-post")\npermit (principal, action, resource) when { true };';
    const kept = { id: 'support-may-post', file: 'policies/support.cedar', line: 3, col: 1, text };
    const bundle = (hash: string) =>
      Promise.resolve({ v: 1, hash, cedarVersion: '4.0', policies: hash === BUNDLE ? [kept] : [] } as never);

    it('shows the text that decided, whatever the file says now', async () => {
      await expect(explain(entries(decided('allow')), sources(stored, { bundle }))).resolves.toMatchObject({
        bundle: { texts: 'decided' },
        policies: [{ at: 'policies/support.cedar:4:1', text: 'permit (principal, action, resource) when { true };' }],
      });
    });

    it('marks a clause in the line that was evaluated', async () => {
      const place = { id: 'support-may-post', file: 'policies/support.cedar', line: 4, col: 45 };
      const why = { code: 'no_policy_permits', bundle: BUNDLE, pol: [], near: [{ ...place, failed: 'when true' }] };
      const { nearest } = await explain(entries(decided('deny', { why })), sources(stored, { bundle }));
      expect(nearest[0]?.source).toBe('permit (principal, action, resource) when { true };');
    });
  });

  it('marks no line where something else stands by now', async () => {
    const near = { id: 'support-may-post', file: 'policies/support.cedar', line: 4, col: 9, failed: 'when context.n' };
    const why = { code: 'no_policy_permits', bundle: BUNDLE, pol: [], near: [near] };
    const { nearest } = await explain(entries(decided('deny', { why })));
    expect(nearest).toEqual([
      { id: 'support-may-post', at: 'policies/support.cedar:4:9', col: 9, clause: 'when context.n', read: {} },
    ]);
  });

  it('says when the policies on disk are not those that decided', async () => {
    const { bundle } = await explain(
      entries(decided('deny')),
      sources(stored, { bundleNow: `sha256:${'00'.repeat(32)}` }),
    );
    expect(bundle.onDisk).toBe('other');
  });

  it.each(['call.expired', 'call.indeterminate'] as const)('tells a call that ended as %s', async (type) => {
    const { who, act, corr } = decided('allow') as Extract<EntryBody, { type: 'tool.call.decided' }>;
    const ended: EntryBody = { type, who, act, corr, dec: { seq: 1, i: 0 } };
    const { outcome } = await explain(entries(decided('allow'), ended));
    expect(outcome.status).toBe(type.slice(5));
  });

  it('lets the first terminal entry count', async () => {
    const { who, act, corr } = decided('allow') as Extract<EntryBody, { type: 'tool.call.decided' }>;
    const expired: EntryBody = { type: 'call.expired', who, act, corr, dec: { seq: 1, i: 0 } };
    const late = completedBody('tool.call', 'c1', { seq: 1, i: 0 });
    await expect(explain(entries(decided('allow'), expired, late))).resolves.toMatchObject({
      outcome: { status: 'expired' },
    });
  });

  it('asks whose call is meant when several agents used the id', async () => {
    const found = [...entries(decided('allow')), ...entries(decided('deny', { who: { agent: 'intern' } }))];
    await expect(explain(found)).rejects.toMatchObject({ code: 'INPUT_INVALID' });
    await expect(explain(found, sources(stored), 'intern')).resolves.toMatchObject({ decision: 'deny' });
  });

  it('refuses a call that is not on record', async () => {
    await expect(explain([])).rejects.toMatchObject({ code: 'INPUT_UNKNOWN_CALL' });
    await expect(explain(entries(decided('allow')), sources(stored), 'nobody')).rejects.toMatchObject({
      code: 'INPUT_UNKNOWN_CALL',
    });
  });
});
