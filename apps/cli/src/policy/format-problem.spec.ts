import { painter } from '../paint.js';
import { formatProblemWithSource } from './format-problem.js';

const plain = painter(false);
const problem = { code: 'POLICY_LINT', file: 'policies/a.cedar', line: 12, col: 1, message: 'no' } as const;

/** The line of source and the line below it, without the margin. */
function shown(source: string, meant: string): readonly string[] {
  const told = formatProblemWithSource(
    { ...problem, col: source.indexOf(meant) + 1, length: meant.length, source },
    plain,
  );
  return told
    .split('\n')
    .slice(1, 3)
    .map((line) => line.slice(line.indexOf('| ') + 2));
}

describe('a problem on the terminal', () => {
  it('has its place, its kind, the line with the span underlined, and a suggestion', () => {
    const source = '@id("a") premit (principal);';
    const told = { ...problem, rule: 'syntax', col: 10, length: 6, source, help: 'did you mean `permit`?' };
    expect(formatProblemWithSource(told, plain).split('\n')).toEqual([
      'policies/a.cedar:12:10: error[POLICY_LINT syntax]: no',
      '  12 | @id("a") premit (principal);',
      '     |          ^^^^^^',
      '     = help: did you mean `permit`?',
    ]);
  });

  it('is a warning when it says so, and one line when its file has none to show', () => {
    expect(formatProblemWithSource({ ...problem, severity: 'warning' }, plain)).toBe(
      'policies/a.cedar:12:1: warning[POLICY_LINT]: no',
    );
  });

  it.each([
    // source                 meant    underline
    ['é == "x"', '"x"', '     ^^^'],
    ['日本 == x', 'x', '        ^'],
    ['🎉 == x', 'x', '      ^'],
    ['a 日本🎉 b', '日本🎉', '  ^^^^^^'],
    ['e\u0301 == x', 'x', '     ^'],
    ['👩\u200d👧 x', 'x', '     ^'],
    ['\t\tx', 'x', '\t\t^'],
    ['a\tbx', 'x', ' \t ^'],
  ])('underlines exactly the cells of the span in %j', (source, meant, underline) => {
    expect(shown(source, meant)).toEqual([source, underline]);
  });

  it('cuts a long line around what is meant', () => {
    const [line = '', underline = ''] = shown(`${'x'.repeat(5_000)}MEANT${'y'.repeat(5_000)}`, 'MEANT');
    expect(line.length).toBeLessThan(170);
    expect(line.slice(underline.indexOf('^'), underline.lastIndexOf('^') + 1)).toBe('MEANT');
    expect([line.at(0), line.at(-1)]).toEqual(['…', '…']);
  });

  it('lets nothing in a file command the terminal or change the order of the text', () => {
    const told = formatProblemWithSource(
      { ...problem, file: 'policies/\u001b[2J.cedar', source: 'a\u001b]0;x\u0007 \u202eb', message: 'bad \u009b31m' },
      plain,
    );
    // oxlint-disable-next-line no-control-regex
    expect(told.replaceAll('\n', '')).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
  });

  it('has colours on a terminal alone', () => {
    expect(formatProblemWithSource(problem, plain)).not.toContain('\u001b');
    expect(formatProblemWithSource(problem, painter(true))).toContain('\u001b[31merror[POLICY_LINT]\u001b[0m');
  });
});
