import * as fc from 'fast-check';
import { cedar } from '../../../test/vectors/cedar-oracle.js';
import { conjunctsOf } from './expression.js';
import { lineIndex, scanPolicy, splitPolicies } from './policy-text.js';

describe('splitPolicies', () => {
  it('cuts at the semicolons that end policies, not at those in strings and comments', () => {
    const text =
      '// a; b\npermit (principal, action, resource) when { ";\\";" == "" }; // c;\r forbid (principal, action, resource);';
    expect(splitPolicies(text).map((policy) => [policy.start, policy.text, policy.isTerminated])).toEqual([
      [8, 'permit (principal, action, resource) when { ";\\";" == "" };', true],
      [75, 'forbid (principal, action, resource);', true],
    ]);
  });

  it('says when the last policy has no end', () => {
    expect(splitPolicies('permit (').map((policy) => policy.isTerminated)).toEqual([false]);
    expect(splitPolicies('permit "').map((policy) => policy.isTerminated)).toEqual([false]);
    expect(splitPolicies('a; b "c')).toMatchObject([{ isTerminated: true }, { start: 3, openStringAt: 2 }]);
    expect(splitPolicies('permit (')[0]).not.toHaveProperty('openStringAt');
    expect(splitPolicies(' // nothing')).toEqual([]);
  });

  it('counts brackets and prefix operators, those in strings not', () => {
    expect(splitPolicies('(([{!-"(((("}])));')[0]?.depth).toBe(6);
    expect(splitPolicies('a != b && c != d;')[0]?.depth).toBe(0);
  });

  it('says where it nests deepest, in each policy by itself', () => {
    expect(splitPolicies('a ((b) (c)); d [();')).toMatchObject([
      { depth: 2, deepestAt: 3 },
      { depth: 2, deepestAt: 3 },
    ]);
  });

  it('never fails, whatever the text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => splitPolicies(text).length <= text.length));
  });
});

describe('lineIndex', () => {
  it('counts lines and columns from one', () => {
    const at = lineIndex('a\n\nbc');
    expect([0, 1, 2, 3, 4].map((offset) => Object.values(at(offset)).join(':'))).toEqual([
      '1:1',
      '1:2',
      '2:1',
      '3:1',
      '3:2',
    ]);
  });
});

describe('scanPolicy', () => {
  it('finds the scope and the clauses of every condition', () => {
    const text = `@id("permit") permit (principal in A::"(,", action in [Action::"a", Action::"b"], resource)
      when { a && (b && (c || d)) && (e).f("&&") } unless { g && h } when { if i then j else k && l };`;
    const parts = scanPolicy(text);
    expect(text.slice(parts?.effect, (parts?.effect ?? 0) + 8)).toBe('permit (');
    expect([parts?.principal.text, parts?.action.text, parts?.resource.text]).toEqual([
      'principal in A::"(,"',
      'action in [Action::"a", Action::"b"]',
      'resource',
    ]);
    expect(parts?.conditions.map(({ clauses }) => clauses.map((clause) => clause.text))).toEqual([
      ['a', 'b', 'c || d', '(e).f("&&")'],
      ['g && h'],
      ['if i then j else k && l'],
    ]);
  });

  it('finds as many clauses as Cedar does', () => {
    const expression: fc.Arbitrary<string> = fc.letrec<{ e: string }>((tie) => ({
      e: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom('context.a', '"&& ("', '1 == 2', 'principal in T::"a"', '!(true && false)'),
        fc.tuple(tie('e'), tie('e')).map(([a, b]) => `${a} && ${b}`),
        fc.tuple(tie('e'), tie('e')).map(([a, b]) => `${a} || ${b}`),
        tie('e').map((a) => `(${a})`),
        tie('e').map((a) => `[${a}].contains(${a})`),
        fc.tuple(tie('e'), tie('e')).map(([a, b]) => `(if ${a} then ${b} else ${a})`),
      ),
    })).e;
    fc.assert(
      fc.property(expression, (body) => {
        const text = `permit (principal, action, resource) when { ${body} };`;
        const parsed = cedar.policyToJson(text);
        if (parsed.type === 'failure') throw new Error(parsed.errors[0]?.message);
        const [condition] = parsed.json.conditions;
        expect(scanPolicy(text)?.conditions[0]?.clauses).toHaveLength(conjunctsOf(condition?.body as never).length);
      }),
      { numRuns: 200 },
    );
  });
});
