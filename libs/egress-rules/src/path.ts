/** `%2e`, `%2f`, `%5c` and every other escape of a character that needs none: servers undo them, policies would not. */
const NEEDLESS_ESCAPE = /%(?:[01][0-9a-f]|2[def]|3[0-9]|4[1-9a-f]|5[0-9acf]|6[1-9a-f]|7[0-9aef])/i;
/** An escaped percent sign before two hex digits: an escape again for a server that decodes twice. */
const DOUBLE_ESCAPE = /%25[0-9a-f]{2}/i;
const BROKEN_ESCAPE = /%(?![0-9a-f]{2})/i;

/**
 * Whether a path can be read in two ways: dot segments (also with a path parameter, as in `..;x`), empty segments, and escapes that hide a
 * separator or a letter. The written path must be what the parser made of it, save for characters that it had to escape.
 */
export function pathProblem(written: string, parsed: string): boolean {
  if (NEEDLESS_ESCAPE.test(written) || DOUBLE_ESCAPE.test(written) || BROKEN_ESCAPE.test(written)) return true;
  if (written.slice(1).split('/').some(isDotSegment)) return true;
  if (written.includes('//')) return true;
  return segmentCount(written) !== segmentCount(parsed);
}

function isDotSegment(segment: string): boolean {
  const name = segment.split(/;|%3b/i, 1)[0] ?? '';
  return name === '.' || name === '..';
}

function segmentCount(path: string): number {
  return path === '' ? 2 : path.split('/').length;
}
