import type { Entry, EntryOf } from '#writ/contracts';
import { completedBody, decidedBody, LedgerBuilder } from '../../../../test/harness/ledger-builder.js';
import { painter } from '../paint.js';
import { formatEntry, isDenial, policyLineOf } from './format-entry.js';

const plain = painter(false);
const entryOf = (producer: string, body: Parameters<LedgerBuilder['entry']>[1]): Entry =>
  JSON.parse(new LedgerBuilder().entry(producer, body)) as Entry;
const decided = (d: 'allow' | 'deny', why: object = {}): Entry => {
  const entry = entryOf('pdp-0', decidedBody('tool.call', 'c1', d));
  return { ...entry, why: { ...('why' in entry ? entry.why : {}), ...why } } as Entry;
};

describe('formatEntry', () => {
  it('shows a decision with the line of the policy that made it', () => {
    expect(formatEntry(decided('allow'), plain)).toBe(
      '05:30:00.123  support       tool.call slack.chat.postMessage  ALLOW    permitted  policies/support.cedar:4 support-may-post  c1',
    );
  });

  const near = [{ id: 'p', file: 'policies/a.cedar', line: 7, col: 8, failed: 'when context.input.k <= 3' }];
  const explained = () =>
    entryOf('pdp-0', {
      type: 'decision.explained',
      who: { agent: 'support' },
      corr: { call: 'c1' },
      of: { seq: 1, i: 0 },
      near,
    });

  it('shows the explanation of a default deny as its own line, with the call', () => {
    expect(formatEntry(explained(), plain)).toBe(
      '05:30:00.123  support       nearest permit policies/a.cedar:7 p: when context.input.k <= 3  c1',
    );
    expect(isDenial(explained())).toBe(true);
    expect(policyLineOf(explained())).toBe('policies/a.cedar:7');
  });

  it('shows the nearest permit where an earlier release recorded it: with the default deny', () => {
    const text = formatEntry(decided('deny', { code: 'no_policy_permits', pol: [], near }), plain);
    expect(text).toContain('DENY');
    expect(text).toContain('nearest permit policies/a.cedar:7 p: when context.input.k <= 3');
  });

  it('shows how a call ended', () => {
    const text = formatEntry(entryOf('exec-tool-1', completedBody('tool.call', 'c1', { seq: 1, i: 0 })), plain);
    expect(text).toMatch(/DONE\s+12 ms {2}c1$/);
  });

  it('counts the refusals that one entry stands for', () => {
    const body = { type: 'request.refused', who: { agent: 'a' }, act: { kind: 'tool.call' } } as const;
    const entry = entryOf('pdp-0', { ...body, why: { code: 'INPUT_NOT_JSON' }, n: 3 });
    expect(formatEntry(entry, plain)).toMatch(/REFUSED {2}INPUT_NOT_JSON {2}3 times$/);
  });

  const access = {
    client: 'gateway',
    req: { sub: { type: 'user', id: 'u1' }, act: 'read', res: { type: 'todo', id: 't1' }, eval: 'az-1' },
  };

  it('shows what another enforcement point asked, and what it was told', () => {
    const { io, why, who, act } = decided('deny') as EntryOf<'tool.call.decided'>;
    const body = { type: 'access.evaluated', ...access, who, act, why, io } as const;
    const entry = entryOf('pdp-0', { ...body, eff: { d: 'deny', phase: 'evaluated' } });
    expect(formatEntry(entry, plain)).toMatch(/support .*DENY .* az-1 {2}asked by gateway$/);
    expect(isDenial(entry)).toBe(true);
    const refused = entryOf('pdp-0', { type: 'access.refused', ...access, why: { code: 'INPUT_UNKNOWN_AGENT' } });
    expect(formatEntry(refused, plain)).toMatch(
      /read todo:t1 for user:u1 {2}REFUSED {2}INPUT_UNKNOWN_AGENT {2}asked by gateway$/,
    );
    expect(isDenial(refused)).toBe(true);
    const counted = entryOf('pdp-0', {
      type: 'access.refused',
      ...access,
      why: { code: 'INPUT_UNKNOWN_AGENT' },
      n: 99,
    });
    expect(formatEntry(counted, plain)).toMatch(/asked by gateway {2}99 times$/);
  });

  it('lets whoever is on record neither command the terminal nor write lines of its own', () => {
    const req = {
      sub: { type: 'user\u001b[2K', id: 'u1\r' },
      act: 'read\u001b]0;pwned\u0007',
      res: { type: 'todo\u009b31m', id: 't1\u202e\n05:30:00.123  support       tool.call mail  ALLOW' },
      eval: 'az-1',
    };
    const refused = { type: 'access.refused', ...access, req, why: { code: 'INPUT_UNKNOWN_AGENT' } } as const;
    const line = formatEntry(entryOf('pdp-0', refused), plain);
    expect(line).toMatch(/^[\p{L}\p{N}\p{P}\p{S} ]+$/u);
    expect(line).toMatch(/REFUSED {2}INPUT_UNKNOWN_AGENT {2}asked by gateway$/);
  });

  it('shows where the evaluator and Cedar differ', () => {
    const entry = entryOf('pdp-0', {
      type: 'policy.divergence',
      who: { agent: 'a' },
      corr: { call: 'c1' },
      bundle: `sha256:${'0'.repeat(64)}`,
      writ: { d: 'allow', pol: ['p'], err: [] },
      cedar: { d: 'deny', pol: [], err: [] },
    });
    expect(formatEntry(entry, plain)).toMatch(/DIFFER on c1: allow p here, deny there$/);
  });

  it('colours nothing but on a terminal', () => {
    expect(formatEntry(decided('deny'), plain)).not.toContain('\u001b');
    expect(formatEntry(decided('deny'), painter(true))).toContain('\u001b[31mDENY');
  });
});

describe('policyLineOf', () => {
  it('is the deciding policy, else the nearest permit, else nothing', () => {
    const near = [{ id: 'p', file: 'policies/a.cedar', line: 7, col: 8, failed: 'x' }];
    expect(policyLineOf(decided('allow'))).toBe('policies/support.cedar:4');
    expect(policyLineOf(decided('deny', { pol: [], near }))).toBe('policies/a.cedar:7');
    expect(policyLineOf(decided('deny', { pol: [] }))).toBeUndefined();
  });
});

describe('isDenial', () => {
  it('is a deny or a refusal', () => {
    expect(isDenial(decided('deny'))).toBe(true);
    expect(isDenial(decided('allow'))).toBe(false);
    const refused = { type: 'command.refused', why: { code: 'x' }, dec: { seq: 1, i: 0 } } as const;
    expect(isDenial(entryOf('exec-tool-1', { ...refused, msg: `sha256:${'0'.repeat(64)}` }))).toBe(true);
  });
});
