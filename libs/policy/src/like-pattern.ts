/**
 * Compiles a Cedar `like` pattern (null is the wildcard). Matching takes the leftmost place of each piece, so it is linear
 * in the number of pieces and never backtracks over attacker-controlled text.
 */
export function compileLike(pieces: readonly (string | null)[]): (text: string) => boolean {
  const pattern = joinLiterals(pieces);
  const [first, second] = pattern;
  if (first === undefined) return (text) => text === '';
  if (pattern.length === 1) return first === null ? () => true : (text) => text === first;
  if (pattern.length === 2 && typeof first === 'string' && second === null) return (text) => text.startsWith(first);
  if (pattern.length === 2 && first === null && typeof second === 'string') return (text) => text.endsWith(second);
  return (text) => matches(text, pattern);
}

/** Literals with no wildcard between them are one literal. */
function joinLiterals(pieces: readonly (string | null)[]): readonly (string | null)[] {
  const joined: (string | null)[] = [];
  for (const piece of pieces) {
    const last = joined.at(-1);
    if (typeof last === 'string' && typeof piece === 'string') joined[joined.length - 1] = last + piece;
    else joined.push(piece);
  }
  return joined;
}

// INVARIANT: literals alternate with wildcards, or the ends of a pattern could match at places that do not touch.
function matches(text: string, pattern: readonly (string | null)[]): boolean {
  const head = pattern[0] ?? '';
  const tail = pattern.at(-1) ?? '';
  if (!text.startsWith(head) || !text.endsWith(tail)) return false;
  let at = head.length;
  for (const piece of pattern.slice(1, -1)) {
    if (piece === null) continue;
    const found = text.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return at <= text.length - tail.length;
}
