import assert from 'node:assert/strict';
import type { Answered } from '../agent-task.js';
import type { Step, World } from './step.js';

const BACK_WITHIN_MS = 15_000;

/** Without a decision service nothing is permitted and nothing runs; when it is back, calls work. */
export const decisionServiceIsKilled: Step = {
  name: 'decision-service-killed',
  title: 'the decision service is killed while support keeps posting',
  run: async (world) => {
    const { slack } = world.services;
    const postsBefore = slack.posts.length;
    const agent = world.startAgent('support', 'keep-posting');
    const next = (ok: boolean, after: number): Promise<Answered> =>
      agent.child.first(
        () =>
          agent
            .answered()
            .slice(after)
            .find((answer) => answer.ok === ok),
        BACK_WITHIN_MS,
      );
    try {
      await next(true, 0);
      const killed = await killDecisionServices(world);
      const answeredBefore = agent.answered().length;
      const denial = await next(false, answeredBefore);
      world.report.say(`support   post                             DENY  (${denial.code ?? ''})`);
      await next(true, agent.answered().indexOf(denial) + 1);
      world.report.say('support   post                             ALLOW  the decision service is back');
      agent.child.kill('SIGTERM');
      return {
        killed,
        ...checkEffects(
          await agent.finish(),
          slack.posts.slice(postsBefore).map((post) => post.text),
        ),
      };
    } finally {
      agent.child.kill('SIGKILL');
    }
  },
};

async function killDecisionServices({ runtime, report }: World): Promise<number> {
  const services = (await runtime.processes()).filter(({ name }) => /^(pdp|policy-decision)/.test(name));
  assert.ok(services.length > 0, '`writ up` names no decision service');
  for (const { name, pid } of services) {
    process.kill(pid, 'SIGKILL');
    report.say(`SIGKILL   ${name} (pid ${pid})`);
  }
  return services.length;
}

/** Every post that was answered is in Slack, and no other: the text of a post is its call id. */
function checkEffects(answers: readonly Answered[], posted: readonly string[]): { denied: number; completed: number } {
  const completed = answers.filter((answer) => answer.ok).map((answer) => answer.call);
  assert.deepEqual(
    posted.toSorted(),
    completed.toSorted(),
    'Slack has other messages than the calls that were answered',
  );
  return { denied: answers.length - completed.length, completed: completed.length };
}
