import assert from 'node:assert/strict';
import { viewDecision } from '../decision-view.js';
import type { Step, World } from './step.js';

/** `writ explain` of one allow and one denial, for an operator: who, what, which line, and the values. */
export const explainBoth: Step = {
  name: 'explain',
  title: 'writ explain says why: one allow, one denial',
  run: async (world) => ({
    allow: await explain(world, 'support', 'slack', '#support'),
    deny: await explain(world, 'intern', 'slack', '#support'),
  }),
};

async function explain(
  world: World,
  agent: string,
  what: string,
  value: string,
): Promise<{ call: string; at: string }> {
  const { runtime, report, ledger, folder, calls } = world;
  const call = calls.get(`${agent}/${what}`);
  assert.ok(call, `no call \`${what}\` of \`${agent}\` was made`);
  const { deciding } = await viewDecision(await ledger.decisionOf(call), folder);
  const at = deciding[0]?.at ?? '';
  assert.notEqual(at, '', 'the decision names no policy');
  const { stdout } = await runtime.writEndingWith(0, 'explain', call, '--agent', agent, '--data', runtime.data);
  report.say(`$ writ explain ${call} --agent ${agent}\n${stdout.trimEnd()}`);
  for (const part of [call, at, value]) assert.ok(stdout.includes(part), `the explanation does not say \`${part}\``);
  for (const secret of [world.services.slackToken, world.services.statusKey]) {
    assert.ok(!stdout.includes(secret), 'the explanation holds a credential');
  }
  return { call, at };
}
