import { policyTextAt } from './policy-text.js';

const SOURCE = `// A comment; with a semicolon.
@id("a")
permit (
  principal,
  action, resource
)
when { context.input.k <= 3 };

@id("b")
@reason_agent("no; never")
forbid (principal, action, resource);
`;

describe('policyTextAt', () => {
  it.each([
    // the line of  line
    ['the annotation', 2],
    ['the effect', 3],
    ['a clause', 7],
  ])('shows the policy from its effect to its semicolon when given the line of %s', (_case, line) => {
    expect(policyTextAt(SOURCE, line)).toBe(
      'permit (\n  principal,\n  action, resource\n)\nwhen { context.input.k <= 3 };',
    );
  });

  it('takes the policy that stands there, not the one before', () => {
    expect(policyTextAt(SOURCE, 10)).toBe('forbid (principal, action, resource);');
  });

  it('is empty where no policy stands', () => {
    expect(policyTextAt(SOURCE, 12)).toBe('');
  });
});
