import * as fc from 'fast-check';

/** The annotation of a permit that obliges to something. */
export const redacting = `@obligations("[{\\"type\\":\\"redact\\",\\"target\\":\\"output\\",\\"paths\\":[\\"/a\\"]}]") `;

/** Conditions over a record, some over a context attribute that may be missing or of another type. */
const condition: fc.Arbitrary<string> = fc.letrec<{ c: string }>((tie) => ({
  c: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(
      'resource.owner == principal.name',
      'resource.owner != context.s',
      '"a" == resource.id',
      'resource.owner == 3',
      'resource.id like "a*"',
      'resource.labels.contains("eu")',
      'resource.labels.contains(context.s)',
      'resource.labels.containsAny(context.set)',
      'context.set.containsAny(resource.labels)',
      'resource.labels.containsAll(["eu", "us"])',
      'resource.labels.containsAll(context.set)',
      'context.set.containsAll(resource.labels)',
      '["a", "support"].contains(resource.owner)',
      'context.set.contains(resource.id)',
      'resource.labels.isEmpty()',
      'resource.labels == ["us", "eu"]',
      'context.set == resource.labels',
      'resource in Namespace::"CRM"',
      'resource in [Namespace::"HR", principal]',
      'resource is Record in Namespace::"HR"',
      'resource has owner && !(resource has gone)',
      'context.n > 1',
      'context has s',
      'context.n',
    ),
    fc.tuple(tie('c'), fc.constantFrom('&&', '||'), tie('c')).map(([a, operator, b]) => `(${a} ${operator} ${b})`),
    tie('c').map((a) => `!(${a})`),
    fc.tuple(tie('c'), tie('c'), tie('c')).map(([a, b, c]) => `(if ${a} then ${b} else ${c})`),
  ),
})).c;

/** One policy about records. */
export const filterPolicy = fc
  .record({
    effect: fc.constantFrom('permit', 'permit', 'forbid'),
    obligation: fc.constantFrom('', '', redacting),
    scope: fc.constantFrom(
      'resource',
      'resource is Record',
      'resource in Namespace::"CRM"',
      'resource is Record in Namespace::"HR"',
    ),
    keyword: fc.constantFrom('when', 'when', 'unless'),
    condition,
  })
  .map(({ effect, obligation, scope, keyword, condition: body }) => {
    return `${effect === 'permit' ? obligation : ''}${effect} (principal, action, ${scope}) ${keyword} { ${body} };`;
  });

const label = fc.constantFrom('eu', 'us', 'secret', 'EU');
/** The attributes of a record. */
export const filterRecord = fc.record({
  id: fc.constantFrom('a', 'ab', 'b'),
  owner: fc.constantFrom('support', 'a', 'é'),
  labels: fc.uniqueArray(label),
});
/** What a question brings along; anything may be missing. */
export const filterContext = fc.record(
  {
    s: fc.constantFrom<string | number>('eu', 'support', '', 7),
    n: fc.constantFrom<string | number>(1, 2, 'x'),
    set: fc.constantFrom<string | readonly (string | number)[]>(['eu'], ['eu', 'us', 'secret'], [], ['a', 3], 'eu'),
  },
  { requiredKeys: [] },
);
