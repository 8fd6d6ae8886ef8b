import { openAuthorised } from '#writ/ledger-client';
import { commit, parseEntry } from '#writ/tlog';
import { LedgerBuilder } from '../../../test/harness/ledger-builder.js';
import { explainEvaluation } from './explain-evaluation.js';

const SALT = 'AAAAAAAAAAAAAAAAAAAAAA';
const ASKED = { subject: { type: 'agent', id: 'support' } };
const BUNDLE = `sha256:${'5b'.repeat(32)}`;

/** An evaluation in a ledger, as it is found there. */
function located() {
  const builder = new LedgerBuilder();
  const entry = builder.entry('pdp-0', {
    type: 'access.evaluated',
    client: 'gateway',
    req: { sub: ASKED.subject, act: 'call', res: { type: 'tool', id: 'post' }, eval: 'az-1', xid: 'r-1' },
    who: { agent: 'support' },
    act: { kind: 'tool.call', res: 'post' },
    eff: { d: 'deny', phase: 'evaluated' },
    why: {
      code: 'policy_forbids',
      bundle: BUNDLE,
      pol: [{ id: 'no-posts', effect: 'forbid', file: 'policies/a.cedar', line: 1, col: 1 }],
    },
    io: { in: commit(SALT, '/in', ASKED), in_len: 10 },
  });
  builder.block('pdp-0', [entry]);
  const [message] = builder.messages;
  if (message === undefined) throw new Error('no block');
  const block = openAuthorised(message, builder.deployment.authority);
  const [authentic] = block.entries;
  const parsed = authentic === undefined ? undefined : parseEntry(authentic);
  if (parsed?.type !== 'access.evaluated') throw new Error('no evaluation');
  return { seq: message.seq, i: 0, entry: parsed, block };
}

const sources = (value: typeof ASKED) => ({
  values: () => Promise.resolve({ status: 'stored' as const, key: 'k', values: [{ path: '/in', salt: SALT, value }] }),
  bundle: () => Promise.resolve(undefined),
  policyFile: () => Promise.resolve('forbid (principal, action, resource);\n'),
  bundleNow: BUNDLE,
});

describe('explainEvaluation', () => {
  it('says who asked, which policy answered, with its text, and that nothing ran', async () => {
    await expect(explainEvaluation(located(), { entries: [], rejected: [] }, sources(ASKED))).resolves.toMatchObject({
      call: 'az-1',
      askedBy: { client: 'gateway', requestId: 'r-1' },
      agent: 'support',
      decision: 'deny',
      bundle: { onDisk: 'same' },
      policies: [{ id: 'no-posts', at: 'policies/a.cedar:1:1', text: 'forbid (principal, action, resource);' }],
      outcome: { status: 'none' },
      values: [{ name: 'arguments', value: ASKED, commitment: 'opens' }],
      ledger: [{ type: 'access.evaluated', seq: 1, i: 0 }],
    });
  });

  it('shows a stored question that is not the one that was recorded', async () => {
    const other = { subject: { type: 'agent', id: 'intern' } };
    await expect(explainEvaluation(located(), { entries: [], rejected: [] }, sources(other))).resolves.toMatchObject({
      values: [{ commitment: 'differs' }],
    });
  });
});
