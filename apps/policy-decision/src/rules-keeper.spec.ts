import { readCatalogue } from '#writ/catalogue';
import type { RegisteredAgent } from '#writ/deployment';
import { Fault } from '#writ/faults';
import { policyEntities } from '#writ/policy';
import { setOf } from '../../../test/vectors/decide-on.js';
import { RulesKeeper } from './rules-keeper.js';

const catalogue = readCatalogue('version: 1\nledger: test/default/0\n', {
  file: 'writ.yaml',
  baseDirectory: '.',
  environment: {},
});
const agent = (name: string, teams: readonly string[]) => ({ name, teams }) as RegisteredAgent;

describe('rules whose policies are refused', () => {
  it('keep the policies, and take in the agents of now', async () => {
    const state = { isBad: false, agents: [agent('support', ['admins'])] };
    const told: string[] = [];
    const keeper = await RulesKeeper.open({
      catalogue,
      load: async () => {
        if (state.isBad) throw new Fault('POLICY_PARSE', 'not Cedar');
        return setOf({ p: 'permit (principal in Team::"admins", action, resource);' });
      },
      agents: () => Promise.resolve(state.agents),
      entities: (agents) => policyEntities({ agents, tools: [], namespaces: [], destinations: [] }),
      manifestOf: () => Promise.resolve(undefined),
      onChanged: () => told.push('changed'),
      onRejected: ({ code }) => told.push(code),
    });
    const before = keeper.current.rules.policies.hash;
    Object.assign(state, { isBad: true, agents: [agent('support', []), agent('new', ['admins'])] });
    await keeper.reload();
    const { policies, knows } = keeper.current.rules;
    expect(told).toEqual(['changed', 'POLICY_PARSE']);
    expect([policies.hash, knows('new')]).toEqual([before, true]);
    const parents = policies.entities.find(({ uid }) => uid.type === 'Agent' && uid.id === 'support')?.parents;
    expect(parents).toEqual([]);
  });
});
