import { isDeepStrictEqual } from 'node:util';
import type { Json } from '#writ/contracts';
import { compilePolicies, decide, type Entity, PolicyBundle, PolicyJson, type PolicyRequest } from '#writ/policy';
import { CaseGenerator } from './cedar-generator.js';
import { actualOf, cedar, expectedOf, type Expected, forbidsOf } from './cedar-oracle.js';

/**
 * Random policies and requests, decided by Writ and by Cedar: decision, deciding policies and policies with errors agree.
 * More with `WRIT_FUZZ=<decisions>`; another start with `WRIT_FUZZ_SEED=<integer>`.
 */
const DECISIONS = Number(process.env['WRIT_FUZZ'] ?? 100_000);
const SEED = Number(process.env['WRIT_FUZZ_SEED'] ?? 20_261_122);
/** Parsing a policy set costs Cedar as much as some requests. */
const REQUESTS_PER_SET = 24;

function bundleOfJson(policies: readonly Json[]): PolicyBundle {
  const sources = policies.map((json, i) => {
    const est = PolicyJson.parse(json);
    return { id: `p${i}`, file: 'policies/fuzz.cedar', line: 1, col: 1, text: '', est, annotations: {} };
  });
  return { v: 1, hash: `sha256:${'0'.repeat(64)}`, cedarVersion: '0', policies: sources };
}

function giveToCedar(policies: readonly Json[]): void {
  const staticPolicies = Object.fromEntries(policies.map((json, i) => [`p${i}`, json])) as never;
  const parsed = cedar.preparsePolicySet('fuzz', { staticPolicies });
  if (parsed.type === 'failure') throw new Error(parsed.errors.map((error) => error.message).join('; '));
}

function askCedar(request: PolicyRequest, entities: readonly Entity[], forbids: ReadonlySet<string>): Expected {
  const answer = cedar.statefulIsAuthorized({
    ...(request as object),
    preparsedPolicySetId: 'fuzz',
    entities,
  } as never);
  if (answer.type === 'failure') throw new Error(answer.errors.map((error) => error.message).join('; '));
  const { decision, diagnostics } = answer.response;
  const errors = diagnostics.errors.map(({ policyId }) => policyId);
  return expectedOf({ decision, reason: diagnostics.reason, errors }, forbids);
}

describe('decide', () => {
  it(`agrees with Cedar on ${DECISIONS} random decisions (seed ${SEED})`, () => {
    const seen = { permit: 0, forbid: 0, errors: 0 };
    for (let decisions = 0, seed = SEED; decisions < DECISIONS; seed++) {
      const generator = new CaseGenerator(seed);
      const policies = Array.from({ length: 1 + Math.floor(generator.random() * 5) }, () => generator.policy());
      const entities = generator.entities();
      const bundle = bundleOfJson(policies);
      const forbids = forbidsOf(bundle);
      const set = compilePolicies(bundle, entities);
      giveToCedar(policies);
      for (let i = 0; i < REQUESTS_PER_SET; i++, decisions++) {
        const request = generator.request();
        const actual = actualOf(decide(set, request));
        const expected = askCedar(request, entities, forbids);
        if (!isDeepStrictEqual(actual, expected)) {
          throw new Error(
            JSON.stringify({ seed, policies, entities, request, writ: actual, cedar: expected }, null, 1),
          );
        }
        seen[actual.effect]++;
        if (actual.errors.length > 0) seen.errors++;
      }
    }
    // The cases are worth something only if they differ.
    expect(Math.min(seen.permit, seen.forbid, seen.errors)).toBeGreaterThan(DECISIONS / 50);
  }, 600_000);
});
