import { compilePolicies, couldPermit, decide, PolicyBundle, PolicyJson } from '#writ/policy';
import { CaseGenerator } from './cedar-generator.js';

/** More with `WRIT_FUZZ=<decisions>`; another start with `WRIT_FUZZ_SEED=<integer>`. */
const DECISIONS = Number(process.env['WRIT_FUZZ'] ?? 20_000);
const SEED = Number(process.env['WRIT_FUZZ_SEED'] ?? 20_261_122);
const REQUESTS_PER_ROUND = 8;
const CONTEXTS_PER_REQUEST = 4;

function bundleOf(generator: CaseGenerator): PolicyBundle {
  const count = 1 + Math.floor(generator.random() * 5);
  const policies = Array.from({ length: count }, (_, i) => {
    const est = PolicyJson.parse(generator.policy());
    return {
      set: 'policies' as const,
      id: `p${i}`,
      file: 'policies/fuzz.cedar',
      line: 1,
      col: 1,
      text: '',
      est,
      annotations: {},
    };
  });
  return { v: 1, hash: `sha256:${'0'.repeat(64)}`, cedarVersion: '0', policies };
}

describe('couldPermit', () => {
  it(`hides nothing that is permitted in ${DECISIONS} random decisions (seed ${SEED})`, () => {
    const seen = { hidden: 0, permitted: 0 };
    for (let decisions = 0, seed = SEED; decisions < DECISIONS; seed++) {
      const generator = new CaseGenerator(seed);
      const entities = generator.entities();
      const bundle = bundleOf(generator);
      const set = compilePolicies(bundle, entities);
      for (let i = 0; i < REQUESTS_PER_ROUND; i++) {
        const { principal, action, resource } = generator.request();
        const isListed = couldPermit(set, { principal, action, resource });
        if (!isListed) seen.hidden++;
        for (let each = 0; each < CONTEXTS_PER_REQUEST; each++, decisions++) {
          const { context } = generator.request();
          if (decide(set, { principal, action, resource, context }).effect !== 'permit') continue;
          seen.permitted++;
          if (!isListed) expect({ seed, bundle, principal, action, resource, context }).toEqual('listed');
        }
      }
    }
    expect(Math.min(seen.hidden * CONTEXTS_PER_REQUEST, seen.permitted)).toBeGreaterThan(DECISIONS / 20);
  }, 600_000);
});
