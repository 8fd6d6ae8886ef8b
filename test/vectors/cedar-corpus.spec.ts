import { existsSync, readFileSync } from 'node:fs';
import type { Json, JsonObject } from '#writ/contracts';
import { Fault } from '#writ/faults';
import { compilePolicies, decide, type Entity, type EntityUid, type PolicySet, splitPolicies } from '#writ/policy';
import { bundleOf, ImplicitEscapes, policiesOfText } from './cedar-oracle.js';

/** The integration tests of the Cedar project: what Writ implements agrees with them, the rest is refused. */
const folder = new URL('../../../shared/benchmarks/conformance/', import.meta.url);
const handwritten = new URL('cedar-handwritten.json', folder);
const corpus = new URL('cedar-corpus-sample.json', folder);

interface CedarRequest {
  readonly description: string;
  readonly principal: EntityUid;
  readonly action: EntityUid;
  readonly resource: EntityUid;
  readonly context: JsonObject;
  readonly decision: 'allow' | 'deny';
  readonly reason: readonly string[];
  readonly errors: readonly string[];
}
interface CedarCase {
  readonly name: string;
  readonly policies: string;
  readonly entities: string;
  readonly schema: string;
  readonly requests: readonly CedarRequest[];
}

type Verdict = 'agreed' | 'stricter' | 'refused';

function compileCase(test: CedarCase, escapes: ImplicitEscapes): PolicySet | 'refused' {
  const entities = (JSON.parse(test.entities) as (Entity & { tags?: unknown })[]).map(({ uid, attrs, parents }) => ({
    uid: plainUid(uid),
    attrs: escapes.attributes(plainUid(uid).type, attrs),
    parents: parents.map(plainUid),
  }));
  const texts = splitPolicies(test.policies).map(({ text }) => text);
  try {
    return compilePolicies(bundleOf(policiesOfText(texts)), entities);
  } catch (thrown) {
    if (thrown instanceof Fault && thrown.code === 'POLICY_UNSUPPORTED') return 'refused';
    throw thrown;
  }
}

function plainUid(uid: EntityUid | { readonly __entity: EntityUid }): EntityUid {
  return '__entity' in uid ? uid['__entity'] : uid;
}

/** Whether the answer is the expected one, or stricter where Writ means to be; else how it differs. */
function judge(
  set: PolicySet,
  escapes: ImplicitEscapes,
  request: CedarRequest,
): Verdict | { readonly differs: string } {
  const escaped = escapes.context(request.action, request.context);
  if (isRefusedAtIngress(escaped)) return 'refused';
  // A context never has Cedar's escapes in Writ; the tests have them, so they are resolved here.
  const context = set.store.literal(escaped) as JsonObject;
  const [principal, action, resource] = [request.principal, request.action, request.resource].map(plainUid);
  if (principal === undefined || action === undefined || resource === undefined) throw new Error('incomplete request');
  const decision = decide(set, { principal, action, resource, context });
  if (decision.code === 'forbid_evaluation_error' && request.errors.length > 0) return 'stricter';
  const actual = [decision.effect === 'permit' ? 'allow' : 'deny', ...decision.determining.map(({ id }) => id).sort()];
  const expected = [request.decision, ...[...request.reason].sort()];
  const differs = `${request.description}: ${actual.join(' ')} instead of ${expected.join(' ')}`;
  return actual.join(' ') === expected.join(' ') ? 'agreed' : { differs };
}

/** Values of extension types and integers beyond 2^53 never reach `decide`. */
function isRefusedAtIngress(json: Json): boolean {
  if (typeof json === 'number') return !Number.isSafeInteger(json);
  if (typeof json !== 'object' || json === null) return false;
  return '__extn' in json || Object.values(json).some((member) => isRefusedAtIngress(member as Json));
}

function compare(cases: readonly CedarCase[]): { found: readonly string[]; counts: Readonly<Record<Verdict, number>> } {
  const counts = { agreed: 0, stricter: 0, refused: 0 };
  const found: string[] = [];
  for (const test of cases) {
    const escapes = new ImplicitEscapes(test.schema);
    const set = compileCase(test, escapes);
    for (const request of test.requests) {
      const verdict = set === 'refused' ? 'refused' : judge(set, escapes, request);
      if (typeof verdict === 'string') counts[verdict]++;
      else found.push(`${test.name}, ${verdict.differs}`);
    }
  }
  return { found, counts };
}

const describeIf = (isPresent: boolean): typeof describe => (isPresent ? describe : describe.skip);

describeIf(existsSync(handwritten))('decide, on the handwritten tests of the Cedar project,', () => {
  it('agrees wherever a policy is not refused at load', () => {
    const { files } = JSON.parse(readFileSync(handwritten, 'utf8')) as { files: Readonly<Record<string, string>> };
    const file = (path: string): string => files[path] ?? '';
    const cases = Object.keys(files)
      .filter((name) => name.startsWith('tests/') && name.endsWith('.json'))
      .map((name): CedarCase => {
        const test = JSON.parse(file(name)) as CedarCase;
        return {
          ...test,
          name,
          policies: file(test.policies),
          entities: file(test.entities),
          schema: file(test.schema),
        };
      });
    expect(cases).toHaveLength(22);
    const { found, counts } = compare(cases);
    expect(found).toEqual([]);
    expect(counts).toEqual({ agreed: 61, stricter: 0, refused: 13 });
  });
});

describeIf(existsSync(corpus))('decide, on a sample of the generated tests of the Cedar project,', () => {
  it('agrees wherever a policy is not refused at load', () => {
    const { tests } = JSON.parse(readFileSync(corpus, 'utf8')) as { tests: readonly CedarCase[] };
    expect(tests).toHaveLength(391);
    const { found, counts } = compare(tests);
    expect(found).toEqual([]);
    expect(counts).toEqual({ agreed: 2315, stricter: 0, refused: 813 });
  }, 120_000);
});
