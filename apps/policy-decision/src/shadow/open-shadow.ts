import { type EntryBody } from '#writ/contracts';
import { messageOf } from '#writ/faults';
import type { ServiceContext } from '#writ/service-host';
import type { Shard } from '../ports.js';
import { OracleProcess } from './oracle-process.js';
import { type Difference, ShadowLane } from './shadow-lane.js';

const LISTED_MAX = 64;

/** The shadow lane of a decision service: a difference is an alarm in the log, on the health page and on record. */
export function openShadow({ catalogue, log }: ServiceContext, shard: () => Shard | undefined): ShadowLane {
  return new ShadowLane({
    oneIn: catalogue.config.policy.shadow.oneIn,
    openOracle: (load) => new OracleProcess(load),
    random: Math.random,
    later: (ms, run) => {
      const timer = setTimeout(run, ms).unref();
      return () => clearTimeout(timer);
    },
    onDifference: async (difference) => {
      const entry = divergenceOf(difference);
      const { call, agent, set, kind } = difference.decided;
      log.fatal(
        {
          code: 'POLICY_DIVERGENCE',
          call,
          agent,
          bundle: set.hash,
          ...(kind === 'filter' && { seed: difference.seed }),
        },
        'the evaluator and Cedar differ on a decision',
      );
      await shard()
        ?.append(entry)
        .catch((error: unknown) => log.error({ detail: messageOf(error) }, 'a divergence could not be recorded'));
    },
    log,
  });
}

/** What is recorded of a difference: names and decisions, no value of the request. */
export function divergenceOf({ decided, said, cedar }: Difference): EntryBody {
  const { set, agent, call } = decided;
  return {
    type: 'policy.divergence',
    who: { agent },
    corr: { call },
    bundle: set.hash,
    writ: {
      d: said.isAllowed ? 'allow' : 'deny',
      pol: said.determining.slice(0, LISTED_MAX).map(({ id }) => id),
      err: said.errors.slice(0, LISTED_MAX).map(({ id }) => id),
    },
    cedar: {
      d: cedar.decision,
      pol: cedar.determining.slice(0, LISTED_MAX),
      err: cedar.errors.slice(0, LISTED_MAX),
    },
  };
}
