import type { Json } from '#writ/contracts';
import assert from 'node:assert/strict';
import type { Answered } from '../agent-task.js';
import { LEGAL_HOLD } from '../customers.js';
import { printDecision, viewDecision, type DecisionView, type PolicyView } from '../decision-view.js';
import type { Step, World } from './step.js';

const CARD_NUMBER = '4111 1111 1111 1111';

interface Shown {
  readonly answer: Answered;
  /** Absent when the request was refused before policy was asked. */
  readonly view: DecisionView | undefined;
}

/** Support runs the script: its calls are permitted, and what comes back is filtered, redacted and scrubbed. */
export const supportRunsTheScript: Step = {
  name: 'support-runs-the-script',
  title: 'support posts to Slack, reads CRM.customers, uses an MCP tool and a status page',
  run: async (world) => {
    const round = await runRound(world, 'support');
    const permit = decidedBy(permitted(round, 'slack'), 'support-posts-to-its-channels');
    assert.equal(world.services.slack.posts.length, 1, 'Slack did not get exactly one message');
    assert.ok(!JSON.stringify(world.services.slack.posts).includes(CARD_NUMBER), 'a card number reached Slack');
    world.report.say('-> Slack got one message; the card number in it was redacted before the command left');

    const crm = permitted(round, 'crm');
    assert.deepEqual(
      crm.view?.narrowing.map(({ id }) => id),
      ['legal-holds-are-sealed'],
      'the search was not narrowed by the forbid',
    );
    const records = recordsOf(crm.answer.output);
    assert.equal(records.length, 5, `support got ${records.length} records, not 5`);
    const told = JSON.stringify(records);
    assert.ok(!told.includes(LEGAL_HOLD), 'support saw a record under legal hold');
    assert.ok(!/@example\.com|\+1 202 555/.test(told), 'an e-mail address or a phone number came through');
    const sealed = await searchAll(world);
    world.report.say(
      `-> 5 records, none under legal hold; for crm-sync, who may see them, ${sealed} of the 5 best are`,
    );

    permitted(round, 'mcp');
    const status = JSON.stringify(permitted(round, 'status').answer.output);
    assert.equal(world.services.status.authorised, 1, 'the status page did not get its key');
    assert.ok(!status.includes(world.services.statusKey), 'the agent saw the key of the status page');
    world.report.say('-> the status page got its key from the broker and sent it back; the agent never saw it');
    assert.equal(refused(round, 'foreign').code, 'INPUT_UNKNOWN_DESTINATION');
    return { permit: { ...permit }, records: records.length, sealed, calls: round.size };
  },
};

/** The intern runs the same script: one denial by a forbid, one because nothing permits it. */
export const internRunsTheScript: Step = {
  name: 'intern-runs-the-script',
  title: 'intern runs the same script with its own key',
  run: async (world) => {
    const postsBefore = world.services.slack.posts.length;
    const round = await runRound(world, 'intern');
    const slack = denied(round, 'slack');
    const forbid = decidedBy(slack, 'interns-stay-off-slack');
    assert.match(forbid.text, /^forbid/, 'the text of the forbid is not shown');
    assert.equal(world.services.slack.posts.length, postsBefore, 'Slack got a message from the intern');

    const crm = denied(round, 'crm');
    const { nearest } = crm.view;
    assert.equal(crm.view.deciding.length, 0, 'a policy is said to have decided what no policy decided');
    assert.equal(nearest?.id, 'interns-look-up-three-at-most', 'another permit is said to be the nearest');
    assert.match(nearest.failed, /context\.input\.k <= 3/, 'the clause that failed is not named');
    permitted(round, 'mcp');
    denied(round, 'status');
    assert.equal(refused(round, 'foreign').code, 'INPUT_UNKNOWN_DESTINATION');
    assert.equal(world.services.status.authorised, 1, 'the status page was reached for the intern');
    return { forbid: { ...forbid, agentWasTold: slack.answer.reason ?? '' }, nearest: { ...nearest } };
  },
};

/** Runs the script as that agent and shows each decision when it is on record. */
async function runRound(world: World, agent: string): Promise<ReadonlyMap<string, Shown>> {
  const answers = await world.startAgent(agent, 'round').finish();
  const round = new Map<string, Shown>();
  for (const answer of answers) {
    world.calls.set(`${agent}/${answer.what}`, answer.call);
    if (answer.error === 'Refused') {
      world.report.say(`${agent.padEnd(9)} ${answer.what.padEnd(36)} REFUSED  (${answer.code ?? ''})`);
      round.set(answer.what, { answer, view: undefined });
      continue;
    }
    const entry = await world.ledger.decisionOf(answer.call);
    const isDefaultDeny = entry.why.code === 'no_policy_permits';
    const explained = isDefaultDeny ? await world.ledger.explanationOf(entry) : undefined;
    const view = await viewDecision(entry, world.folder, explained);
    world.report.say(printDecision(agent, `${entry.act.kind} ${entry.act.res}`, view));
    if (answer.reason !== undefined) world.report.say(`          the agent was told: ${answer.reason}`);
    round.set(answer.what, { answer, view });
  }
  return round;
}

/** How many of the five best matches for the same question are under legal hold, for someone who may see them. */
async function searchAll(world: World): Promise<number> {
  const [answer] = await world.startAgent('crm-sync', 'search').finish();
  const held = recordsOf(answer?.output).filter((record) => JSON.stringify(record).includes(LEGAL_HOLD));
  assert.ok(held.length > 0, 'the question does not match a record under legal hold, so it shows nothing');
  return held.length;
}

function find(round: ReadonlyMap<string, Shown>, what: string): Shown {
  const shown = round.get(what);
  assert.ok(shown, `the script did not get an answer for \`${what}\``);
  return shown;
}

function permitted(round: ReadonlyMap<string, Shown>, what: string): Shown {
  const shown = find(round, what);
  assert.equal(shown.view?.decision, 'allow', `\`${what}\` was not allowed: ${shown.answer.code ?? ''}`);
  assert.ok(shown.answer.ok, `\`${what}\` failed: ${shown.answer.code ?? ''} ${shown.answer.reason ?? ''}`);
  return shown;
}

function denied(round: ReadonlyMap<string, Shown>, what: string): { answer: Answered; view: DecisionView } {
  const { answer, view } = find(round, what);
  assert.ok(!answer.ok, `\`${what}\` was answered`);
  assert.equal(view?.decision, 'deny', `\`${what}\` was not denied on record`);
  return { answer, view: view as DecisionView };
}

function refused(round: ReadonlyMap<string, Shown>, what: string): Answered {
  const { answer } = find(round, what);
  assert.ok(!answer.ok, `\`${what}\` was answered`);
  return answer;
}

function decidedBy({ view }: Pick<Shown, 'view'>, id: string): PolicyView {
  const policy = view?.deciding.find((each) => each.id === id);
  assert.ok(policy, `\`${id}\` is not among the policies that decided`);
  return policy;
}

function recordsOf(output: Json | undefined): readonly Json[] {
  const records = (output as { readonly records?: readonly Json[] } | undefined)?.records;
  assert.ok(Array.isArray(records), 'the memory answered without records');
  return records;
}
