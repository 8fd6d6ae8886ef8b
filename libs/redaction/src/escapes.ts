import { isUtf8 } from 'node:buffer';
import { type FoldedText, fold } from './fold.js';

/** Written in a URL that stands in a URL. */
const PASSES = 2;

const ESCAPES = /(?:%[0-9a-f]{2})+|&(?:#x[0-9a-f]{1,6}|#[0-9]{1,7}|[a-z]{2,8});|\\u[0-9a-f]{4}|\\x[0-9a-f]{2}|\+/gi;
/** Cheap and necessary: without it nothing is escaped, save blanks in a query. */
const GATE = /%[0-9a-f]{2}|&[#a-z]|\\[ux]/i;
/** Only in what looks like a query or a form a plus sign is a blank. */
const QUERY = /(?:^|[?&;])[\w.-]{1,64}=/;

/** Named character references of HTML that can stand in a secret, or between its parts. */
const NAMED: ReadonlyMap<string, string> = new Map(
  Object.entries({
    amp: '&',
    apos: "'",
    colon: ':',
    commat: '@',
    dash: '-',
    dollar: '$',
    equals: '=',
    excl: '!',
    gt: '>',
    hyphen: '-',
    lowbar: '_',
    lpar: '(',
    lt: '<',
    nbsp: ' ',
    num: '#',
    percnt: '%',
    period: '.',
    plus: '+',
    quot: '"',
    rpar: ')',
    sol: '/',
  }),
);

/**
 * The text as detectors see it: folded, and where it has escapes of URLs, HTML or JSON, folded after these were undone, once and twice.
 * Each says where in the text its parts stand.
 */
export function viewsOf(original: string): readonly FoldedText[] {
  const views = [fold(original)];
  let decoded: FoldedText = { text: original, start: (index) => index, end: (index) => index };
  for (let pass = 0; pass < PASSES; pass++) {
    const next = unescaped(decoded.text);
    if (next === undefined || next.text === decoded.text) break;
    decoded = within(decoded, next);
    views.push(within(decoded, fold(decoded.text)));
  }
  return views;
}

/** A text whose places are those of a text that has places itself. */
function within(outer: FoldedText, inner: FoldedText): FoldedText {
  return {
    text: inner.text,
    start: (index) => outer.start(inner.start(index)),
    end: (index) => outer.end(inner.end(index)),
  };
}

/** The text with its escapes undone; undefined when it has none. */
function unescaped(text: string): FoldedText | undefined {
  const isQuery = text.includes('+') && QUERY.test(text);
  if (!isQuery && !GATE.test(text)) return undefined;
  const starts: number[] = [];
  const ends: number[] = [];
  let written = '';
  const write = (part: string, from: number, length: number): void => {
    for (let unit = 0; unit < part.length; unit++) {
      starts.push(from);
      ends.push(from + length);
    }
    written += part;
  };
  const copy = (from: number, to: number): void => {
    for (let at = from; at < to; at++) {
      starts.push(at);
      ends.push(at + 1);
    }
    written += text.slice(from, to);
  };
  let at = 0;
  for (const match of text.matchAll(ESCAPES)) {
    copy(at, match.index);
    at = match.index;
    for (const [part, length] of partsOf(match[0], isQuery)) {
      write(part, at, length);
      at += length;
    }
  }
  copy(at, text.length);
  return {
    text: written,
    start: (index) => starts[index] ?? text.length,
    end: (index) => (index === 0 ? 0 : (ends[index - 1] ?? text.length)),
  };
}

/** What an escape stands for, each part with the length that it has as an escape. */
function partsOf(escape: string, isQuery: boolean): Iterable<readonly [part: string, length: number]> {
  if (escape.startsWith('%')) return percentParts(escape);
  if (escape === '+') return [[isQuery ? ' ' : '+', 1]];
  return [
    [escape.startsWith('&') ? reference(escape) : String.fromCharCode(codeOf(escape.slice(2), 16)), escape.length],
  ];
}

function* percentParts(escape: string): Iterable<readonly [part: string, length: number]> {
  const bytes = Buffer.from(escape.replaceAll('%', ''), 'hex');
  const isText = isUtf8(bytes);
  for (const character of bytes.toString(isText ? 'utf8' : 'latin1'))
    yield [character, 3 * (isText ? Buffer.byteLength(character) : 1)];
}

function reference(escape: string): string {
  const name = escape.slice(1, -1);
  if (!name.startsWith('#')) return NAMED.get(name.toLowerCase()) ?? escape;
  const code = /^#x/i.test(name) ? codeOf(name.slice(2), 16) : codeOf(name.slice(1), 10);
  return code <= 0x10ffff ? String.fromCodePoint(code) : escape;
}

function codeOf(digits: string, radix: number): number {
  return Number.parseInt(digits, radix);
}
