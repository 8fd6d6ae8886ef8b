const UNBOUNDED = /^(?:[*+]|\{\d+,\})/;

/**
 * Whether a group that holds `*`, `+`, `{n,}` or `|` is itself repeated without bound: the shape of patterns that need
 * exponential time. Harmless patterns of that shape are refused with the others; they can be written in another way.
 */
export function repeatsRepetition(pattern: string): boolean {
  // An escape or a class counts as one character: neither holds operators.
  const bare = pattern.replace(/\\./gsu, 'x').replace(/\[[^\]]*\]/gu, 'x');
  // One flag for each open group: whether something in it repeats or chooses.
  const groups: boolean[] = [];
  const mark = () => {
    if (groups.length > 0) groups[groups.length - 1] = true;
  };
  for (let at = 0; at < bare.length; at++) {
    const isRepeated = UNBOUNDED.test(bare.slice(at + 1, at + 12));
    if (bare[at] === '(') groups.push(false);
    else if (bare[at] === ')') {
      const isRisky = groups.pop() ?? false;
      if (isRisky && isRepeated) return true;
      if (isRisky || isRepeated) mark();
    } else if (bare[at] === '|' || isRepeated) mark();
  }
  return false;
}
