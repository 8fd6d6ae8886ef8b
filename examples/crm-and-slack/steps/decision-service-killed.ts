import assert from 'node:assert/strict';
import type { AgentProcess } from '../agent-process.js';
import type { Answered } from '../agent-task.js';
import type { Step, World } from './step.js';

// The supervisor starts it again; on a busy machine that takes a while.
const BACK_WITHIN_MS = 30_000;

/** Without a decision service nothing is permitted and nothing runs; when it is back, calls work. */
export const decisionServiceIsKilled: Step = {
  name: 'decision-service-killed',
  title: 'the decision service is killed while support keeps posting',
  run: async (world) => {
    const { services, report } = world;
    const postsBefore = services.slack.posts.length;
    const agent = world.startAgent('support', 'keep-posting');
    try {
      await nextAnswer(agent, isAllowed, 0);
      const killed = await killDecisionServices(world);
      const killedAt = performance.now();
      const denied = await nextAnswer(agent, isDenied, agent.answered().length);
      report.say(`support   posts                                DENY  (${denied.answer.code ?? ''})`);
      await nextAnswer(agent, isAllowed, denied.index + 1);
      const awayMs = Math.round(performance.now() - killedAt);
      report.say(`support   posts                                ALLOW  again, after ${awayMs} ms`);
      agent.child.kill('SIGTERM');
      const answers = await agent.finish();
      const posted = services.slack.posts.slice(postsBefore).map((post) => post.text);
      const effects = checkEffects(answers, posted);
      report.say(
        `-> ${effects.completed} posts were answered and are in Slack; ${effects.denied} were not, and are not`,
      );
      return { killed, awayMs, ...effects };
    } finally {
      agent.child.kill('SIGKILL');
    }
  },
};

function isAllowed(answer: Answered): boolean {
  return answer.ok;
}

/** A clear no. The call that was in flight when the service died may have no answer at all; that is no denial. */
function isDenied(answer: Answered): boolean {
  return !answer.ok && answer.error !== 'Unanswered';
}

/** The first answer from that index on, seen or to come, that is such an answer. */
function nextAnswer(
  agent: AgentProcess,
  holds: (answer: Answered) => boolean,
  from: number,
): Promise<{ readonly answer: Answered; readonly index: number }> {
  return agent.child.first(() => {
    const answers = agent.answered();
    const index = answers.findIndex((answer, at) => at >= from && holds(answer));
    const answer = answers[index];
    return answer === undefined ? undefined : { answer, index };
  }, BACK_WITHIN_MS);
}

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
  const completed = answers.filter(isAllowed).map((answer) => answer.call);
  assert.deepEqual(
    posted.toSorted(),
    completed.toSorted(),
    'Slack has other messages than the calls that were answered',
  );
  return { denied: answers.length - completed.length, completed: completed.length };
}
