import type { Json, JsonObject } from '#writ/contracts';
import { type ClauseTest, isAsWanted } from './clause-test.js';
import { compileExpression, compileTest } from './compile-expression.js';
import { EntityStore } from './entity-store.js';
import { asBool, EvaluationError } from './values.js';

const store = new EntityStore([]);
const uid = { type: 'Agent', id: 'a' };
const entity = store.intern(uid);

const path = (...names: readonly string[]): Json =>
  names.reduce<Json>((left, attr) => ({ '.': { left, attr } }), { Var: 'context' });
const literal = (value: Json): Json => ({ Value: value });

const PATHS = [
  path('x'),
  path('x', 'y'),
  path('x', 'y', 'z'),
  path('x', 'y', 'z', 'w'),
  path('constructor'),
  path('x', 'length'),
];
const QUESTIONS = PATHS.flatMap((left): Json[] => [
  ...['<', '<=', '>', '>=', '==', '!='].flatMap((operator) =>
    [2, -1, 'a', true].map((value) => ({ [operator]: { left, right: literal(value) } })),
  ),
  { '==': { left, right: literal({ __entity: uid }) } },
  { like: { left, pattern: [{ Literal: 'a' }, 'Wildcard'] } },
  { like: { left, pattern: ['Wildcard', { Literal: 'b' }, 'Wildcard'] } },
  { contains: { left, right: literal('a') } },
  { contains: { left, right: literal(2) } },
  { contains: { left: { Set: [literal('a'), literal(2), literal(true)] }, right: left } },
  { contains: { left: { Set: [literal({ __entity: uid })] }, right: left } },
  { contains: { left: { Set: [] }, right: left } },
]);

const VALUES: readonly Json[] = [
  ...[2, 1, 3, 0, -0, -1, 1.5, 2 ** 53, Number.MAX_SAFE_INTEGER],
  ...['a', 'ab', 'b', '', '2', true, false, null],
  ...[[], ['a'], [2, 'b'], [['a']], [null], { a: 1 }, {}],
];
const CONTEXTS: readonly JsonObject[] = [
  {},
  ...VALUES.flatMap((value): JsonObject[] => [
    { x: value },
    { x: { y: value } },
    { x: { y: { z: value } } },
    { x: { y: { z: { w: value } } } },
    { x: [{ y: value }] },
    { x: value, constructor: value },
  ]),
];

function outcome(ask: () => boolean): boolean | string {
  try {
    return ask();
  } catch (thrown) {
    if (thrown instanceof EvaluationError) return thrown.message;
    throw thrown;
  }
}

describe('isAsWanted', () => {
  it('answers as the expression does, error for error, whatever stands at the path', () => {
    const principal = entity;
    let asked = 0;
    let asData = 0;
    for (const node of QUESTIONS) {
      const evaluate = compileExpression(node, store);
      for (const wanted of [true, false]) {
        const test: ClauseTest = compileTest(node, wanted, store);
        if (test.kind !== 'any') asData += 1;
        for (const context of CONTEXTS) {
          const environment = { principal, action: entity, resource: entity, context };
          const answer = outcome(() => isAsWanted(test, environment));
          const expected = outcome(() => asBool(evaluate(environment)) === wanted);
          asked += 1;
          if (answer !== expected)
            expect({ node, wanted, context, answer }).toEqual({ node, wanted, context, answer: expected });
        }
      }
    }
    expect(asked).toBe(2 * QUESTIONS.length * CONTEXTS.length);
    // Names on the prototype, paths of four and literals that are entities are left to the expression.
    expect(asData).toBeGreaterThan(100);
  });

  it('reads no member of a list, a text or the prototype as an argument', () => {
    const long = { '>=': { left: path('x', 'length'), right: literal(0) } };
    const environment = { principal: entity, action: entity, resource: entity };
    for (const context of [{ x: [] }, { x: 'a' }]) {
      expect(outcome(() => isAsWanted(compileTest(long, true, store), { ...environment, context }))).toMatch(
        /type error/,
      );
    }
    const inherited = { '!=': { left: path('toString'), right: literal('a') } };
    const answer = outcome(() => isAsWanted(compileTest(inherited, true, store), { ...environment, context: {} }));
    expect(answer).toBe('does not have the attribute `toString`');
  });
});
