import { compileLike } from './like-pattern.js';

describe('compileLike', () => {
  it.each<[string, (string | null)[], string, boolean]>([
    ['two literals side by side match their concatenation', ['foo', 'bar'], 'foobar', true],
    ['two literals side by side match nothing in between', ['foo', 'bar'], 'foo-bar', false],
    ['two literals side by side do not overlap', ['aba', 'aba'], 'ababa', false],
    ['literals side by side before a wildcard', ['a', 'b', null], 'a-b', false],
    ['literals side by side before a wildcard', ['a', 'b', null], 'ab-', true],
    ['literals side by side after a wildcard', [null, 'a', 'b'], 'a-b', false],
    ['literals side by side between wildcards', [null, 'a', 'b', null], 'xaxbx', false],
    ['literals side by side between wildcards', [null, 'a', 'b', null], 'xabx', true],
    ['literals of one character each', ['a', '*', 'b'], 'a*b', true],
    ['empty literals say nothing', ['', 'a', ''], 'a', true],
    ['empty literals say nothing', ['', ''], 'a', false],
    ['a wildcard stands for nothing as well', ['a', null, 'b'], 'ab', true],
    ['the two ends do not overlap', ['aba', null, 'aba'], 'ababa', false],
    ['two wildcards are as one', [null, null], 'anything', true],
    ['no piece matches the empty text alone', [], '', true],
    ['no piece matches the empty text alone', [], 'a', false],
  ])('%s: %j on `%s`', (_case, pattern, text, expected) => {
    expect(compileLike(pattern)(text)).toBe(expected);
  });
});
