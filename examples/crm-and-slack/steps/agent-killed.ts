import type { CompletedEntry, Entry } from '#writ/contracts';
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Step } from './step.js';

const OUTCOME_WITHIN_MS = 10_000;

/** The agent dies in the middle of a slow call. Its call runs once, and the outcome is on record. */
export const agentIsKilled: Step = {
  name: 'agent-killed-mid-call',
  title: 'the process of support is killed while its upload runs',
  run: async ({ startAgent, services, ledger, report }) => {
    const { slack } = services;
    const uploadsBefore = slack.uploads.length;
    const begunBefore = slack.uploadsBegun;
    const agent = startAgent('support', 'upload');
    const { call } = await agent.event('asking', 'upload');
    await untilTrue(() => slack.uploadsBegun > begunBefore, 'the upload did not begin');
    agent.child.kill('SIGKILL');
    await agent.child.exited;
    assert.deepEqual(agent.answered(), [], 'the agent had its answer before it was killed');
    assert.equal(slack.uploads.length, uploadsBefore, 'the upload was over before the agent was killed');
    report.say(`SIGKILL   support (pid ${agent.child.pid}), its upload is half way`);

    const outcome = await ledger.entry((entry) => isOutcomeOf(entry, call), OUTCOME_WITHIN_MS);
    assert.ok(isOutcomeOf(outcome, call) && outcome.eff.d === 'ok', 'the outcome on record is not `ok`');
    assert.equal(slack.uploads.length, uploadsBefore + 1, 'the file was not uploaded exactly once');
    report.say(`on record ${outcome.type} ${outcome.eff.d} after ${outcome.cost.ms} ms, entry ${outcome.id}`);
    return { call, outcome: outcome.eff.d, entry: outcome.id, uploads: 1 };
  },
};

function isOutcomeOf(entry: Entry, call: string): entry is CompletedEntry {
  return entry.type === 'tool.call.completed' && entry.corr.call === call;
}

async function untilTrue(holds: () => boolean, otherwise: string): Promise<void> {
  const deadline = Date.now() + OUTCOME_WITHIN_MS;
  while (!holds()) {
    assert.ok(Date.now() < deadline, otherwise);
    await sleep(10);
  }
}
