import type { DecidedEntry } from '#writ/contracts';
import { join } from 'node:path';
import { printDecision, viewDecision } from './decision-view.js';
import { packageRoot } from './package-root.js';

const FOLDER = join(packageRoot(), 'examples', 'crm-and-slack');
const HASH = `sha256:${'0'.repeat(64)}`;
const SLACK = { file: 'policies/slack.cedar', col: 1 };

function decided(d: 'allow' | 'deny', why: Omit<DecidedEntry['why'], 'bundle'>): DecidedEntry {
  return { eff: { d, phase: 'decided' }, why: { ...why, bundle: HASH } } as DecidedEntry;
}

describe('viewDecision', () => {
  it('shows the forbid that decided, with its place and text', async () => {
    const pol = [{ ...SLACK, id: 'interns-stay-off-slack', effect: 'forbid' as const, line: 20 }];
    const view = await viewDecision(decided('deny', { code: 'policy_forbids', pol }), FOLDER);
    expect(view).toMatchObject({ decision: 'deny', nearest: undefined, narrowing: [] });
    expect(view.deciding).toEqual([
      {
        id: 'interns-stay-off-slack',
        at: 'policies/slack.cedar:20',
        text: expect.stringMatching(/^forbid \([^]*\);$/),
      },
    ]);
    expect(printDecision('intern', 'tool.call slack.chat.postMessage', view)).toContain(
      'DENY  (policy_forbids)\n          policies/slack.cedar:20  interns-stay-off-slack\n          | forbid (',
    );
  });

  it('tells the permits of an allow from the forbids that narrowed it', async () => {
    const pol = [
      { file: 'policies/crm.cedar', col: 1, id: 'permit', effect: 'permit' as const, line: 3 },
      { file: 'policies/crm.cedar', col: 1, id: 'forbid', effect: 'forbid' as const, line: 31 },
    ];
    const view = await viewDecision(decided('allow', { code: 'permit', pol }), FOLDER);
    expect(view.deciding.map(({ id }) => id)).toEqual(['permit']);
    expect(view.narrowing.map(({ id }) => id)).toEqual(['forbid']);
    expect(printDecision('support', 'memory.query CRM.customers', view)).toContain('narrowed by policies/crm.cedar:31');
  });

  it('shows the nearest permit and what failed when no policy decided', async () => {
    const near = [{ ...SLACK, id: 'support-posts-to-its-channels', line: 10, failed: 'when context.input.x' }];
    const view = await viewDecision(decided('deny', { code: 'no_policy_permits', pol: [] }), FOLDER, { near });
    expect(view.nearest?.text).toMatch(/^permit/);
    expect(printDecision('intern', 'x', view)).toContain(
      'no permit matched; the nearest is policies/slack.cedar:10  support-posts-to-its-channels\n' +
        '          what failed: when context.input.x',
    );
  });
});
