import { lineAt, policyTextAt } from './policy-place.js';

const SOURCE = `// A comment.

@id("one")
permit (principal, action, resource);

@id("two")
@reason_agent("no; never")
forbid (
  principal,
  action,
  resource
)
when { context.input.n > 3 };
`;

describe('policyTextAt', () => {
  it('gives the policy from its place to its end', () => {
    expect(policyTextAt(SOURCE, 4, 1)).toBe('permit (principal, action, resource);');
    expect(policyTextAt(SOURCE, 8, 1)).toMatch(/^forbid \(\n[^]*n > 3 \};$/);
  });

  it('gives the rest of a policy when the place is a clause of it', () => {
    expect(policyTextAt(SOURCE, 13, 8)).toBe('context.input.n > 3 };');
  });

  it('gives nothing where there is no policy any more', () => {
    expect(policyTextAt(SOURCE, 1, 1)).toBeUndefined();
    expect(policyTextAt(SOURCE, 99, 1)).toBeUndefined();
  });
});

describe('lineAt', () => {
  it('gives one line, from 1, without its end', () => {
    expect(lineAt('a\r\nb\n', 1)).toBe('a');
    expect(lineAt('a\r\nb\n', 9)).toBeUndefined();
  });
});
