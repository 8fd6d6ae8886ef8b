import { cutFile } from './cut-file.js';

const placesIn = (text: string) =>
  cutFile({ set: 'policies', name: 'a.cedar', bytes: Buffer.from(text) }).problems.map(
    ({ rule, line, col, length }) => ({ rule, line, col, length }),
  );

describe('cutFile', () => {
  it('points at the string that has no end, as far as its line goes', () => {
    const text = '// "\npermit (principal, action, resource)\nwhen { context.x == "y }\n;';
    expect(placesIn(text)).toEqual([{ rule: 'unterminated', line: 3, col: 21, length: 4 }]);
  });

  it('points at the end of a policy without `;`', () => {
    expect(placesIn('permit (principal,\n  action)\n')).toEqual([{ rule: 'unterminated', line: 2, col: 9, length: 1 }]);
  });

  it('points at the innermost of too many brackets, and keeps the policy from the parser', () => {
    const text = `permit (\n${'('.repeat(10_000)}${')'.repeat(10_000)});\nforbid (principal, action, resource);`;
    expect(placesIn(text)).toEqual([{ rule: 'nesting', line: 2, col: 10_000, length: 1 }]);
    const { policies } = cutFile({ set: 'policies', name: 'a.cedar', bytes: Buffer.from(text) });
    expect(policies.map(({ line }) => line)).toEqual([3]);
  });
});
