/** The paths of a policy, split into tokens. A token `*` stands for one level and `**` for any number of levels, none included. */
export type PathTokens = readonly string[];

/** Where in which paths a walk stands: each path that may still match, with the number of its tokens that are behind. */
export type PathCursor = readonly (readonly [path: PathTokens, at: number])[];

/** Splits a JSON Pointer (RFC 6901) into tokens that keys can be compared with. */
export function pathTokens(pointer: string): PathTokens {
  return pointer.split('/').slice(1).map(unescapeToken).map(foldKey);
}

/** A cursor before the first level of a value. */
export function startOf(paths: readonly PathTokens[]): PathCursor {
  return paths.flatMap((path) => withSkippedStars(path, 0));
}

/** The cursor one level further down, at a member or element. Keys are compared without regard to case or width. */
export function advance(cursor: PathCursor, key: string): PathCursor {
  if (cursor.length === 0) return cursor;
  const folded = foldKey(key);
  return cursor.flatMap(([path, at]) => {
    const token = path[at];
    if (token === '**') return withSkippedStars(path, at);
    return token === '*' || token === folded ? withSkippedStars(path, at + 1) : [];
  });
}

/** Whether one of the paths ends here. */
export function isMatched(cursor: PathCursor): boolean {
  return cursor.some(([path, at]) => at === path.length);
}

export function foldKey(key: string): string {
  return key.normalize('NFKC').toLowerCase();
}

function withSkippedStars(path: PathTokens, at: number): [PathTokens, number][] {
  return path[at] === '**' ? [[path, at], ...withSkippedStars(path, at + 1)] : [[path, at]];
}

function unescapeToken(token: string): string {
  return token.replaceAll('~1', '/').replaceAll('~0', '~');
}
