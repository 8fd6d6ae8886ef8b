import { painter } from '../../paint.js';
import { formatFlips } from './format-flips.js';

const GROUP = {
  change: 'permit → forbid',
  agent: 'ada',
  policy: 'policies/a.cedar:1 forbid no-mail',
  count: 4,
  examples: ['c1', 'c2', 'c3'],
} as const;

describe('formatFlips', () => {
  it('tells what changed, for whom, by which line, and some of the calls', () => {
    expect(formatFlips([{ ...GROUP, examples: ['c1', 'c2', 'c3'] }], painter(false))).toEqual([
      'permit → forbid  4',
      '       4  ada          policies/a.cedar:1 forbid no-mail',
      '          such as c1, c2, c3, …',
    ]);
  });

  it('lets policies that are only tried out neither command the terminal nor write lines of their own', () => {
    const evil = 'p\u001b[1A\u009b2K\u202e\nforbid → permit  0';
    const group = { ...GROUP, policy: evil, nearest: evil, gained: [evil], examples: [evil] };
    const lines = formatFlips([group], painter(false));
    expect(lines).toHaveLength(5);
    for (const line of lines) expect(line).toMatch(/^[\p{L}\p{N}\p{P}\p{S} ]+$/u);
  });
});
