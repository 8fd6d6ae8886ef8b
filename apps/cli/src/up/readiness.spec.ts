import { whatIsMissing } from './readiness.js';

const pools = ['pool.tool.default', 'pool.memory.default'];
const owner = { name: 'pdp-1', health: { ready: true, shardsOwned: [0, 1], pools } };
const standby = { name: 'pdp-2', health: { ready: true, shardsOwned: [], pools: [] } };
const executor = { name: 'exec-tool-1', health: { ready: true } };

describe('whatIsMissing', () => {
  it('is nothing when all are ready, each shard is owned, and its owner hears every pool', () => {
    expect(whatIsMissing([owner, standby, executor], 2, pools)).toEqual([]);
  });

  it('is a service that does not answer or says that it is not ready', () => {
    const services = [owner, { name: 'a', health: undefined }, { name: 'b', health: { ready: false } }];
    expect(whatIsMissing(services, 2, pools)).toEqual(['`a` is not ready', '`b` is not ready']);
  });

  it('is no sealer that stands by, but a log that all of them stand by for', () => {
    const sealer = { name: 'ledger-1', health: { ready: true, standby: false } };
    const second = { name: 'ledger-2', health: { ready: false, standby: true } };
    expect(whatIsMissing([owner, executor, sealer, second], 2, pools)).toEqual([]);
    expect(whatIsMissing([owner, executor, second], 2, pools)).toEqual(['the log has no owner']);
  });

  it('is a shard without an owner', () => {
    expect(whatIsMissing([owner], 3, pools)).toEqual(['shard 2 has no owner']);
  });

  it('is a pool that an owner does not hear', () => {
    const deaf = { name: 'pdp-1', health: { ready: true, shardsOwned: [0], pools: ['pool.tool.default'] } };
    expect(whatIsMissing([deaf], 1, pools)).toEqual(['`pdp-1` hears nothing of `pool.memory.default`']);
  });
});
