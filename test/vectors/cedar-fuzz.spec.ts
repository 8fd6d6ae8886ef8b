import { isDeepStrictEqual } from 'node:util';
import type { JsonObject } from '#writ/contracts';
import { compilePolicies, decide, type Entity, PolicyBundle, PolicyJson, type PolicyRequest } from '#writ/policy';
import { CaseGenerator } from './cedar-generator.js';
import { actualOf, answerFor, cedar, type CedarAnswer, expectedOf, forbidsOf } from './cedar-oracle.js';

/**
 * Random policies and requests, decided by Writ and by Cedar: decision, deciding policies and policies with errors agree.
 * More with `WRIT_FUZZ=<decisions>`; another start with `WRIT_FUZZ_SEED=<integer>`.
 */
const DECISIONS = Number(process.env['WRIT_FUZZ'] ?? 100_000);
const SEED = Number(process.env['WRIT_FUZZ_SEED'] ?? 20_261_122);
const SETS_PER_ROUND = 16;
const REQUESTS_PER_ROUND = 24;
/** Every so many requests, Cedar also decides the first set itself. */
const WHOLE_EVERY = 4;

function bundleOf(policies: readonly PolicyJson[], name: string): PolicyBundle {
  const sources = policies.map((est, i) => {
    return {
      set: 'policies' as const,
      id: `${name}.${i}`,
      file: 'policies/fuzz.cedar',
      line: 1,
      col: 1,
      text: '',
      est,
      annotations: {},
    };
  });
  return { v: 1, hash: `sha256:${'0'.repeat(64)}`, cedarVersion: '0', policies: sources };
}

function giveToCedar(name: string, policies: Readonly<Record<string, PolicyJson>>): void {
  const parsed = cedar.preparsePolicySet(name, { staticPolicies: policies as never });
  if (parsed.type === 'failure') throw new Error(parsed.errors.map((error) => error.message).join('; '));
}

function askCedar(name: string, request: PolicyRequest, entities: readonly Entity[]): CedarAnswer {
  const answer = cedar.statefulIsAuthorized({ ...request, preparsedPolicySetId: name, entities } as never);
  if (answer.type === 'failure') throw new Error(answer.errors.map((error) => error.message).join('; '));
  const { decision, diagnostics } = answer.response;
  return { decision, reason: diagnostics.reason, errors: diagnostics.errors.map(({ policyId }) => policyId) };
}

/** Policies and requests over the same entities. */
class Round {
  readonly #generator: CaseGenerator;
  readonly #entities: readonly Entity[];
  readonly #bundles: readonly PolicyBundle[];

  constructor(readonly seed: number) {
    this.#generator = new CaseGenerator(seed);
    this.#entities = this.#generator.entities();
    this.#bundles = Array.from({ length: SETS_PER_ROUND }, (_, i) => bundleOf(this.#policies(), `set${i}`));
  }

  #policies(): readonly PolicyJson[] {
    const count = 1 + Math.floor(this.#generator.random() * 5);
    return Array.from({ length: count }, () => PolicyJson.parse(this.#generator.policy()));
  }

  /**
   * A call of Cedar costs a hundred decisions, so one of them evaluates the policies of all sets: as permits, because of them
   * alone it names every one that holds. Now and then Cedar decides the first set itself as well.
   */
  run(see: (effect: 'permit' | 'forbid', hasErrors: boolean) => void): void {
    const sets = this.#bundles.map((bundle) => compilePolicies(bundle, this.#entities));
    const sources = this.#bundles.flatMap(({ policies }) => policies);
    giveToCedar('all', Object.fromEntries(sources.map(({ id, est }) => [id, { ...est, effect: 'permit' }])));
    giveToCedar('first', Object.fromEntries((this.#bundles[0]?.policies ?? []).map(({ id, est }) => [id, est])));
    for (let i = 0; i < REQUESTS_PER_ROUND; i++) {
      const request = this.#generator.request();
      const all = askCedar('all', request, this.#entities);
      const evaluated = { satisfied: new Set(all.reason), errors: new Set(all.errors) };
      for (const [at, set] of sets.entries()) {
        const forbids = forbidsOf(this.#bundles[at]!);
        const ids = set.policies.map(({ source }) => source.id);
        const actual = actualOf(decide(set, request));
        const expected = [expectedOf(answerFor(ids, forbids, evaluated), forbids)];
        if (at === 0 && i % WHOLE_EVERY === 0)
          expected.push(expectedOf(askCedar('first', request, this.#entities), forbids));
        if (!expected.every((each) => isDeepStrictEqual(each, actual))) this.#fail(at, request, { actual, expected });
        see(actual.effect, actual.errors.length > 0);
      }
    }
  }

  #fail(at: number, request: { readonly context: JsonObject }, answers: { actual: unknown; expected: unknown }): never {
    const policies = this.#bundles[at]?.policies.map(({ id, est }) => ({ id, est }));
    const found = { seed: this.seed, policies, entities: this.#entities, request, ...answers };
    throw new Error(`Writ and Cedar differ: ${JSON.stringify(found, null, 1)}`);
  }
}

describe('decide', () => {
  it(`agrees with Cedar on ${DECISIONS} random decisions (seed ${SEED})`, () => {
    const seen = { permit: 0, forbid: 0, errors: 0 };
    for (let seed = SEED; seen.permit + seen.forbid < DECISIONS; seed++) {
      new Round(seed).run((effect, hasErrors) => {
        seen[effect]++;
        if (hasErrors) seen.errors++;
      });
    }
    // The cases are worth something only if they differ.
    expect(Math.min(seen.permit, seen.forbid, seen.errors)).toBeGreaterThan(DECISIONS / 50);
  }, 600_000);
});
