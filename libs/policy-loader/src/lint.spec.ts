import { bundleOf } from '../../../test/vectors/cedar-oracle.js';
import { lintPolicy } from './lint.js';
import { lintSet } from './lint-set.js';
import { nearest } from './suggest.js';

/** The policies as the loader has them, each in a file of its own line. */
function policies(...texts: readonly string[]) {
  const bundle = bundleOf(Object.fromEntries(texts.map((text, i) => [`p${i}`, text])));
  return bundle.policies.map((policy, i) => ({ ...policy, line: i + 1 }));
}

const rulesOf = (...texts: readonly string[]) =>
  policies(...texts)
    .flatMap(lintPolicy)
    .map(({ rule }) => rule);
const warningsOf = (...texts: readonly string[]) =>
  lintSet(policies(...texts)).map(({ rule, severity, line }) => `${severity ?? 'error'} ${rule} ${line}`);

describe('lintPolicy', () => {
  it.each([
    ['missing-id', 'forbid (principal, action, resource);'],
    ['missing-id', '@id("") forbid (principal, action, resource);'],
    ['bad-id', '@id("a b") forbid (principal, action, resource);'],
    ['unknown-annotation', '@id("a") @obligation("[]") forbid (principal, action, resource);'],
    ['obligations-on-forbid', '@id("a") @obligations("[]") forbid (principal, action, resource);'],
    ['reason-too-long', `@id("a") @reason_agent("${'x'.repeat(257)}") forbid (principal, action, resource);`],
    ['unscoped-permit', '@id("a") permit (principal, action, resource);'],
    ['unscoped-permit', '@id("a") permit (principal is Agent, action, resource) when { true };'],
    ['entity-chain', '@id("a") forbid (principal, action, resource) when { principal.owner.name == "x" };'],
    ['entity-chain', '@id("a") forbid (principal, action, resource) when { principal has owner.name };'],
    ['entity-chain', '@id("a") forbid (principal, action, resource) when { Agent::"x".owner.name == "x" };'],
  ])('finds %s in %s', (rule, text) => {
    expect(rulesOf(text)).toEqual([rule]);
  });

  it.each([
    '@id("a") permit (principal in Team::"x", action, resource);',
    '@id("a") permit (principal, action, resource is Tool);',
    '@id("a") forbid (principal, action, resource) when { principal.name == "x" && context.input.a.b.c == 1 };',
    '@id("a") forbid (principal, action, resource) unless { (if context.x then principal else resource).name == "x" };',
  ])('finds nothing in %s', (text) => {
    expect(rulesOf(text)).toEqual([]);
  });

  it('points at the annotation, and says what was meant', () => {
    const text = '@id("a")\n  @reason_agnet("x") forbid (principal, action, resource);';
    expect(policies(text).flatMap(lintPolicy)).toMatchObject([
      { line: 2, col: 3, length: '@reason_agnet("x")'.length, help: 'did you mean `@reason_agent`?' },
    ]);
  });
});

describe('lintSet', () => {
  const wide = '@id("wide") permit (principal in Team::"x", action, resource);';

  it('names every use of an id but the first', () => {
    expect(warningsOf(wide, wide.replace('Team::"x"', 'Team::"y"'))).toEqual(['error duplicate-id 2']);
  });

  it('counts the policies that are about everything', () => {
    const open = (n: number) =>
      `@id("f${n}") forbid (principal, action in Action::"call", resource) when { context.x == ${n} };`;
    const scoped = '@id("s") forbid (principal, action == Action::"t", resource);';
    const several = (count: number) => policies(scoped, ...Array.from({ length: count }, (_, n) => open(n)));
    expect(lintSet(several(200))).toEqual([]);
    expect(lintSet(several(203))).toMatchObject([
      { rule: 'too-many-unscoped', line: 202, message: expect.stringMatching(/^203 policies .* at most 200 may$/) },
    ]);
  });

  it.each([
    ['every part is wider', '@id("b") permit (principal in Team::"x", action == Action::"t", resource == Tool::"t");'],
    ['it has a condition more', '@id("b") permit (principal in Team::"x", action, resource) when { context.x == 1 };'],
    [
      'an action list is wider',
      '@id("b") permit (principal in Team::"x", action in [Action::"t", Action::"u"], resource is Tool);',
    ],
  ])('warns of a permit that another one makes superfluous: %s', (_case, text) => {
    expect(warningsOf(text, wide)).toEqual(['warning shadowed-permit 1']);
    expect(warningsOf(wide, text)).toEqual(['warning shadowed-permit 2']);
  });

  it.each([
    ['the later of two that say the same', '@id("b") permit (principal in Team::"x", action, resource);', 2],
    [
      'clauses in another order',
      '@id("c") permit (principal in Team::"x", action, resource) when { true } unless { false };',
      2,
    ],
  ])('warns of %s', (_case, text, line) => {
    expect(warningsOf(wide, text)).toEqual([`warning shadowed-permit ${line}`]);
  });

  it.each([
    ['the scope is another', '@id("b") permit (principal in Team::"y", action, resource);'],
    [
      'the other has a condition of its own',
      '@id("b") permit (principal == Agent::"a", action, resource) when { context.x == 1 };',
    ],
    [
      'it has obligations',
      '@id("b") @obligations("[]") permit (principal in Team::"x", action == Action::"t", resource);',
    ],
    ['it is a forbid', '@id("b") forbid (principal in Team::"x", action == Action::"t", resource);'],
  ])('does not warn when %s', (_case, text) => {
    const narrow = wide.replace(';', ' when { context.y == 1 };');
    expect(
      warningsOf(text, text.includes('Agent') ? narrow : wide).filter((each) => each.includes('shadowed')),
    ).toEqual([]);
  });

  it('takes the groups of actions as they are: `call` holds every tool, `memory` the memory operations', () => {
    const group = (name: string) => `@id("g") permit (principal in Team::"x", action in Action::"${name}", resource);`;
    const one = (name: string) => `@id("o") permit (principal in Team::"x", action == Action::"${name}", resource);`;
    expect(warningsOf(group('call'), one('mail.send'))).toEqual(['warning shadowed-permit 2']);
    expect(warningsOf(group('memory'), one('query'))).toEqual(['warning shadowed-permit 2']);
    expect(warningsOf(group('call'), one('query'))).toEqual([]);
    expect(warningsOf(group('call'), one('fetch'))).toEqual([]);
    // Nobody requests a group itself.
    expect(warningsOf(one('call'), one('mail.send').replace('"o"', '"q"'))).toEqual([]);
  });

  it('warns of a permit that an unconditional forbid takes back whole', () => {
    const permit =
      '@id("p") @obligations("[]") permit (principal == Agent::"a", action == Action::"t", resource) when { context.x };';
    expect(warningsOf(permit, '@id("f") forbid (principal, action in Action::"call", resource);')).toEqual([
      'warning forbidden-permit 1',
    ]);
    expect(warningsOf(permit, '@id("f") forbid (principal, action, resource) when { context.x };')).toEqual([]);
    expect(warningsOf(permit, '@id("f") forbid (principal in Team::"x", action, resource);')).toEqual([]);
  });
});

describe('nearest', () => {
  it.each([
    ['obligation', 'obligations'],
    ['reason_agnet', 'reason_agent'],
    ['ID', 'id'],
    ['frobnicate', undefined],
    ['', undefined],
  ])('for %j is %j', (word, expected) => {
    expect(nearest(word, ['id', 'description', 'obligations', 'reason_agent'])).toBe(expected);
  });
});
