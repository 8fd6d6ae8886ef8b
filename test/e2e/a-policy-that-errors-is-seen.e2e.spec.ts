import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decisionHealth } from '../harness/access-api.js';
import { eventually } from '../harness/gateway.js';
import { OutsideService } from './outside-service.js';
import { recordOf, startOffice } from './small-office.js';

const POLICIES = `@id("staff-counts")
permit (principal in Team::"staff", action == Action::"count", resource)
when { context.input.n + 1 > 0 };
`;
const count = {
  kind: 'function',
  function: 'echo',
  input: { type: 'object', required: ['n'], properties: { n: { type: 'integer' } } },
};

it('a permit that errors is on record, in the log, and counted on the health page', async () => {
  await using outside = await OutsideService.start();
  await using gateway = await startOffice(outside, {
    config: { tools: { count } },
    policies: { 'policies.cedar': POLICIES },
  });
  const alice = await gateway.agent('alice');
  await expect(alice.tool('count', { n: 1 })).resolves.toBeDefined();
  for (const call of ['e-1', 'e-2']) {
    const told = alice.tool('count', { n: Number.MAX_SAFE_INTEGER }, { call });
    await expect(told).rejects.toMatchObject({ code: 'no_policy_permits' });
  }
  const error = { id: 'staff-counts', message: 'integer overflow: beyond 2^53' };
  const [decided] = await recordOf(gateway, 'e-1');
  expect(decided).toMatchObject({ why: { err: [error] } });
  expect(await decisionHealth(gateway)).toMatchObject({
    policyErrors: { byPolicy: { 'staff-counts': 2 }, others: 0 },
  });
  const line = await eventually(async () => {
    const log = await readFile(join(gateway.paths.runDir, 'pdp-1.log'), 'utf8');
    return log.split('\n').find((each) => each.includes('policies errored in a decision'));
  }, 'the line in the log');
  expect(JSON.parse(line)).toMatchObject({ level: 40, agent: 'alice', call: 'e-1', policies: [error] });
  expect(line).not.toContain(String(Number.MAX_SAFE_INTEGER));
}, 120_000);
