import { existsSync, readFileSync } from 'node:fs';
import type { Json, JsonObject } from '#writ/contracts';
import { Fault } from '#writ/faults';
import { compilePolicies, decide, type Entity, type EntityUid, type PolicySet, splitPolicies } from '#writ/policy';
import { actualOf, bundleOf, expectedOf, forbidsOf, ImplicitEscapes, policiesOfText } from './cedar-oracle.js';

/** The integration tests of the Cedar project: Writ agrees with them or, where an integer needs more than 53 bits, refuses. */
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

/** The one thing that Writ refuses in them: integers that a double cannot carry, wherever they stand. */
type Verdict = 'agreed' | 'stricter' | 'beyond 2^53';

interface CompiledCase {
  readonly set: PolicySet;
  readonly forbids: ReadonlySet<string>;
}

function compileCase(test: CedarCase, escapes: ImplicitEscapes): CompiledCase | 'beyond 2^53' {
  const entities = (JSON.parse(test.entities) as Entity[]).map(({ uid, attrs, parents, tags }) => ({
    uid: plainUid(uid),
    attrs: escapes.attributes(plainUid(uid).type, attrs),
    parents: parents.map(plainUid),
    tags: escapes.tags(plainUid(uid).type, tags ?? {}),
  }));
  const texts = splitPolicies(test.policies).map(({ text }) => text);
  const bundle = bundleOf(policiesOfText(texts));
  try {
    return { set: compilePolicies(bundle, entities), forbids: forbidsOf(bundle) };
  } catch (thrown) {
    if (thrown instanceof Fault && thrown.message.includes('an integer beyond 2^53')) return 'beyond 2^53';
    throw thrown;
  }
}

function plainUid(uid: EntityUid | { readonly __entity: EntityUid }): EntityUid {
  return '__entity' in uid ? uid['__entity'] : uid;
}

/** Whether the answer is the expected one, or stricter where Writ means to be; else how it differs. */
function judge(
  { set, forbids }: CompiledCase,
  escapes: ImplicitEscapes,
  request: CedarRequest,
): Verdict | { readonly differs: string } {
  const escaped = escapes.context(request.action, request.context);
  if (hasUnsafeInteger(escaped)) return 'beyond 2^53';
  // A context never has Cedar's escapes in Writ; the tests have them, so they are resolved here.
  const context = set.store.literal(escaped) as JsonObject;
  const [principal, action, resource] = [request.principal, request.action, request.resource].map(plainUid);
  if (principal === undefined || action === undefined || resource === undefined) throw new Error('incomplete request');
  const actual = actualOf(decide(set, { principal, action, resource, context }));
  const expected = expectedOf(request, forbids);
  const differs = `${request.description}: ${JSON.stringify(actual)} instead of ${JSON.stringify(expected)}`;
  if (JSON.stringify(actual) !== JSON.stringify(expected)) return { differs };
  return expected.effect === 'forbid' && request.decision === 'allow' ? 'stricter' : 'agreed';
}

function hasUnsafeInteger(json: Json): boolean {
  if (typeof json === 'number') return !Number.isSafeInteger(json);
  return (
    typeof json === 'object' && json !== null && Object.values(json).some((member) => hasUnsafeInteger(member as Json))
  );
}

function compare(cases: readonly CedarCase[]): { found: readonly string[]; counts: Readonly<Record<Verdict, number>> } {
  const counts = { agreed: 0, stricter: 0, 'beyond 2^53': 0 };
  const found: string[] = [];
  for (const test of cases) {
    const escapes = new ImplicitEscapes(test.schema);
    const compiled = compileCase(test, escapes);
    for (const request of test.requests) {
      const verdict = compiled === 'beyond 2^53' ? compiled : judge(compiled, escapes, request);
      if (typeof verdict === 'string') counts[verdict]++;
      else found.push(`${test.name}, ${verdict.differs}`);
    }
  }
  return { found, counts };
}

const describeIf = (isPresent: boolean): typeof describe => (isPresent ? describe : describe.skip);

describeIf(existsSync(handwritten))('decide, on the handwritten tests of the Cedar project,', () => {
  it('agrees wherever no integer is beyond 2^53', () => {
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
    expect(counts).toEqual({ agreed: 74, stricter: 0, 'beyond 2^53': 0 });
  });
});

describeIf(existsSync(corpus))('decide, on a sample of the generated tests of the Cedar project,', () => {
  it('agrees wherever no integer is beyond 2^53', () => {
    const { tests } = JSON.parse(readFileSync(corpus, 'utf8')) as { tests: readonly CedarCase[] };
    expect(tests).toHaveLength(391);
    const { found, counts } = compare(tests);
    expect(found).toEqual([]);
    expect(counts).toEqual({ agreed: 3004, stricter: 0, 'beyond 2^53': 124 });
  }, 120_000);
});
