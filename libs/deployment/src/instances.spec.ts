import { WritConfig } from '#writ/catalogue';
import { serviceInstances } from './instances.js';

const namesOf = (settings: object): string[] =>
  serviceInstances(WritConfig.parse({ version: 1, ledger: 'test/default/0', ...settings })).map(({ name }) => name);

describe('serviceInstances', () => {
  it('is one of each service when the configuration says nothing', () => {
    expect(namesOf({})).toEqual(['pdp-1', 'exec-tool-1', 'exec-memory-1', 'exec-egress-1', 'ledger-1']);
  });

  it('has as many executors as asked for, but one memory executor, for only one process can open the data directory', () => {
    const names = namesOf({ instances: { policyDecision: 2, executors: 2 } });
    expect(names).toEqual([
      'pdp-1',
      'pdp-2',
      'exec-tool-1',
      'exec-tool-2',
      'exec-memory-1',
      'exec-egress-1',
      'exec-egress-2',
      'ledger-1',
    ]);
  });

  it('has as many memory executors as asked for when PostgreSQL serves them', () => {
    const names = namesOf({ instances: { executors: 2 }, memory: { postgresUrl: 'postgres://db.example/writ' } });
    expect(names.filter((name) => name.startsWith('exec-memory'))).toEqual(['exec-memory-1', 'exec-memory-2']);
  });

  it('has a sealer for the log and standbys as many as asked for, which write as one producer', () => {
    const sealers = serviceInstances(
      WritConfig.parse({ version: 1, ledger: 'test/default/0', instances: { ledger: 2 } }),
    ).filter(({ app }) => app === 'ledger');
    expect(sealers).toEqual([
      { name: 'ledger-1', role: 'ledger', app: 'ledger', producers: ['ledger'] },
      { name: 'ledger-2', role: 'ledger', app: 'ledger', producers: ['ledger'] },
    ]);
  });

  it('lets any decision service own any shard, and gives an executor a producer of its own', () => {
    const instances = serviceInstances(
      WritConfig.parse({ version: 1, ledger: 'test/default/0', shards: 2, instances: { policyDecision: 2 } }),
    );
    expect(instances.filter(({ role }) => role === 'pdp').map(({ producers }) => producers)).toEqual([
      ['pdp-0', 'pdp-1'],
      ['pdp-0', 'pdp-1'],
    ]);
    expect(instances.find(({ app }) => app === 'egress-executor')?.producers).toEqual(['exec-egress-1']);
  });
});
