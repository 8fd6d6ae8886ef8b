import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decisionHealth } from '../harness/access-api.js';
import { eventually, Gateway } from '../harness/gateway.js';
import { OutsideService } from './outside-service.js';
import { startOffice } from './small-office.js';

interface ShadowDetails {
  readonly checked: number;
  readonly differences: number;
  readonly failures: number;
}
const shadowOf = async (gateway: Gateway) => (await decisionHealth(gateway))['shadow'] as ShadowDetails;

/** The health page, when that many decisions have been looked at. */
function checked(gateway: Gateway, count: number): Promise<ShadowDetails> {
  return eventually(async () => {
    const shadow = await shadowOf(gateway);
    return shadow.checked >= count ? shadow : undefined;
  }, `${count} decisions looked at again`);
}

/** What a bundle in the cache says of its policies: a table in which each distinct object stands once. */
interface StoredBundle {
  readonly json: { readonly shapes: string[][]; readonly rows: unknown[][] };
}

/** Changes what the compiled form of a policy is made from, and not its text, as damage or a bug would. */
async function plantDifference(gateway: Gateway): Promise<void> {
  const folder = join(gateway.paths.dataDir, 'cache', 'policies');
  for (const name of (await readdir(folder)).filter((each) => each.endsWith('.json'))) {
    const text = await readFile(join(folder, name), 'utf8');
    const stored = JSON.parse(text.slice(text.indexOf('\n') + 1)) as StoredBundle;
    const { shapes, rows } = stored.json;
    // `principal in Team::"staff"` becomes any principal.
    const scope = shapes.findIndex((names) => names.join() === 'op,entity');
    const at = rows.findIndex(([shape, op]) => shape === scope && op === 'in');
    rows[at] = [shapes.push(['op']) - 1, 'All'];
    const body = JSON.stringify(stored);
    const digest = createHash('sha256').update(body).digest('hex');
    await writeFile(join(folder, name), `${digest}\n${body}`);
  }
}

describe('the shadow lane', () => {
  let outside: OutsideService;

  beforeAll(async () => {
    outside = await OutsideService.start();
  });
  afterAll(() => outside[Symbol.asyncDispose]());

  it('finds no difference in normal traffic, and raises an alarm on record when there is one', async () => {
    const config = { policy: { shadow: { oneIn: 1 } } };
    const before = await startOffice(outside, { config });
    const [alice, gus] = [await before.agent('alice'), await before.agent('gus')];
    for (let n = 0; n < 5; n++) await alice.tool('echo', { marker: `m${n}` });
    await expect(gus.tool('echo', { marker: 'm' })).rejects.toMatchObject({ code: 'no_policy_permits' });
    await expect(checked(before, 6)).resolves.toMatchObject({ differences: 0, failures: 0 });
    expect((await before.ledger()).filter(({ entry }) => entry.type === 'policy.divergence')).toEqual([]);

    await before.stop({ keep: true });
    await plantDifference(before);
    await using after = await Gateway.startIn(before.directory);
    const guest = await after.agent('gus');
    await guest.tool('echo', { marker: 'secret-marker' }, { call: 'wrongly-allowed' });
    const { entry } = await after.entry(({ entry: each }) => each.type === 'policy.divergence');
    expect(entry).toMatchObject({
      who: { agent: 'gus' },
      corr: { call: 'wrongly-allowed' },
      writ: { d: 'allow', pol: ['staff-acts'] },
      cedar: { d: 'deny', pol: [] },
    });
    await expect(shadowOf(after)).resolves.toMatchObject({ differences: 1 });
    const log = await readFile(join(after.paths.runDir, 'pdp-1.log'), 'utf8');
    expect(log).toContain('POLICY_DIVERGENCE');
    expect(log).not.toContain('secret-marker');
    expect((await after.cli('explain', 'wrongly-allowed')).stdout).toContain('policy.divergence');
  }, 120_000);
});
