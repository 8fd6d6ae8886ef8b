/** Where things stand in Cedar text. Offsets count UTF-16 units of the text; nothing here parses more than brackets. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface Token extends Span {
  readonly text: string;
  readonly kind: 'word' | 'string' | 'mark' | 'broken';
}

// Cedar's own lexer: whitespace, comments to the end of the line (a lone carriage return ends one), strings with escapes.
const TRIVIA = /(?:\s|\/\/[^\n\r]*)*/y;
const TOKEN = /(?<string>"(?:[^"\\]|\\[^])*")|(?<word>[\p{L}\p{N}_]+)|(?<mark>&&|\|\||::|[!=<>]=|[^"])/uy;

export function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = [];
  for (let at = skipTrivia(text, 0); at < text.length; at = skipTrivia(text, at)) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    if (match === null) return [...tokens, { start: at, end: text.length, text: text.slice(at), kind: 'broken' }];
    const kind =
      match.groups?.['string'] !== undefined ? 'string' : match.groups?.['word'] !== undefined ? 'word' : 'mark';
    tokens.push({ start: at, end: at + match[0].length, text: match[0], kind });
    at += match[0].length;
  }
  return tokens;
}

function skipTrivia(text: string, at: number): number {
  TRIVIA.lastIndex = at;
  return at + (TRIVIA.exec(text)?.[0].length ?? 0);
}

export interface PolicyText extends Span {
  readonly text: string;
  /** An upper bound of how deep brackets and prefix operators nest: a parser is not asked before this is checked. */
  readonly depth: number;
  /** Where in the policy it nests that deep for the first time. */
  readonly deepestAt: number;
  readonly isTerminated: boolean;
  /** Where in the policy a string starts that has no end. */
  readonly openStringAt?: number;
}

/** Cuts the text of a policy file at the `;` of its policies. */
export function splitPolicies(text: string): readonly PolicyText[] {
  const policies: PolicyText[] = [];
  let start: number | undefined;
  let depth = 0;
  let deepest = 0;
  let deepestAt = 0;
  let end = 0;
  let open: number | undefined;
  for (const token of tokensOf(text)) {
    start ??= token.start;
    end = token.end;
    // Nothing follows it.
    if (token.kind === 'broken') open = token.start;
    // Prefix operators are never taken back: the bound may be too high, never too low.
    if (token.kind === 'mark' && '([{!-'.includes(token.text)) {
      if (++depth > deepest) [deepest, deepestAt] = [depth, token.start - start];
    } else if (token.kind === 'mark' && ')]}'.includes(token.text)) depth = Math.max(0, depth - 1);
    if (token.text !== ';') continue;
    policies.push({ start, end, text: text.slice(start, end), depth: deepest, deepestAt, isTerminated: true });
    start = undefined;
    depth = deepest = deepestAt = 0;
  }
  if (start !== undefined) {
    const last = { start, end, text: text.slice(start, end), depth: deepest, deepestAt, isTerminated: false };
    policies.push(open === undefined ? last : { ...last, openStringAt: open - start });
  }
  return policies;
}

/** Gives the line and column, both from 1, of an offset. */
export function lineIndex(text: string): (offset: number) => { readonly line: number; readonly col: number } {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return (offset) => {
    let low = 0;
    for (let high = starts.length - 1; low < high;) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, col: offset - (starts[low] ?? 0) + 1 };
  };
}

/** Line and column, both from 1, of one offset: for a single question, cheaper than an index. */
export function placeIn(text: string, offset: number): { readonly line: number; readonly col: number } {
  let line = 1;
  let start = 0;
  for (let end = text.indexOf('\n'); end >= 0 && end < offset; end = text.indexOf('\n', start)) {
    line += 1;
    start = end + 1;
  }
  return { line, col: offset - start + 1 };
}

const ANNOTATIONS = /(?:\s|\/\/[^\n\r]*|@\s*[\p{L}\p{N}_]+|\(\s*"(?:[^"\\]|\\[^])*"\s*\))*/uy;

/** Where `permit` or `forbid` stands in a policy that Cedar has parsed. */
export function effectOffset(text: string): number {
  ANNOTATIONS.lastIndex = 0;
  const at = ANNOTATIONS.exec(text)?.[0].length ?? 0;
  return text.startsWith('permit', at) || text.startsWith('forbid', at) ? at : 0;
}

/** A piece of a policy: where it starts, and its text on one line without comments. */
export interface TextPart {
  readonly start: number;
  readonly text: string;
}

export interface PolicyParts {
  /** Where `permit` or `forbid` stands. */
  readonly effect: number;
  readonly principal: TextPart;
  readonly action: TextPart;
  readonly resource: TextPart;
  /** One for each condition: the clauses that its top-level `&&` joins (an `unless` is one clause). */
  readonly conditions: readonly { readonly start: number; readonly clauses: readonly TextPart[] }[];
}

/** Finds the parts of one policy that Cedar has parsed. Undefined when the text is not what this scanner expects. */
export function scanPolicy(text: string): PolicyParts | undefined {
  const tokens = tokensOf(text);
  const effect = tokens.findIndex((token, i) => isEffect(token) && tokens[i - 1]?.text !== '@');
  const scope = bracketed(tokens, effect + 1);
  if (effect < 0 || scope === undefined) return undefined;
  const [principal, action, resource, ...more] = splitAt(scope.inside, ',').filter((part) => part.length > 0);
  if (principal === undefined || action === undefined || resource === undefined || more.length > 0) return undefined;
  const conditions = [];
  for (let at = scope.next; tokens[at] !== undefined && tokens[at]?.text !== ';';) {
    const keyword = tokens[at];
    const body = bracketed(tokens, at + 1);
    if (keyword === undefined || body === undefined) return undefined;
    const clauses = keyword.text === 'unless' ? [body.inside] : clausesOf(body.inside);
    conditions.push({ start: keyword.start, clauses: clauses.map((clause) => partOf(clause, text)) });
    at = body.next;
  }
  return {
    effect: tokens[effect]?.start ?? 0,
    principal: partOf(principal, text),
    action: partOf(action, text),
    resource: partOf(resource, text),
    conditions,
  };
}

function isEffect(token: Token): boolean {
  return token.kind === 'word' && (token.text === 'permit' || token.text === 'forbid');
}

const CLOSING: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };

/** The tokens inside the bracket that opens at `open`, and the index after its end. */
function bracketed(tokens: readonly Token[], open: number): { inside: readonly Token[]; next: number } | undefined {
  if (CLOSING[tokens[open]?.text ?? ''] === undefined) return undefined;
  let depth = 0;
  for (let at = open; at < tokens.length; at++) {
    depth += nesting(tokens[at]);
    if (depth === 0) return { inside: tokens.slice(open + 1, at), next: at + 1 };
  }
  return undefined;
}

function nesting(token: Token | undefined): number {
  if (token?.kind !== 'mark') return 0;
  if (token.text === '(' || token.text === '[' || token.text === '{') return 1;
  return token.text === ')' || token.text === ']' || token.text === '}' ? -1 : 0;
}

/** Splits at a mark that stands outside of every bracket. */
function splitAt(tokens: readonly Token[], mark: string): readonly (readonly Token[])[] {
  const parts: Token[][] = [[]];
  let depth = 0;
  for (const token of tokens) {
    depth += nesting(token);
    if (depth === 0 && token.kind === 'mark' && token.text === mark) parts.push([]);
    else parts.at(-1)?.push(token);
  }
  return parts;
}

/** The operands of the top-level `&&`, those inside of brackets around a whole operand included, as in the parsed tree. */
function clausesOf(tokens: readonly Token[]): readonly (readonly Token[])[] {
  const isOneClause = tokens[0]?.text === 'if' || splitAt(tokens, '||').length > 1;
  if (isOneClause) return [tokens];
  const parts = splitAt(tokens, '&&');
  if (parts.length > 1) return parts.flatMap(clausesOf);
  const group = tokens[0]?.text === '(' ? bracketed(tokens, 0) : undefined;
  return group !== undefined && group.next === tokens.length ? clausesOf(group.inside) : [tokens];
}

function partOf(tokens: readonly Token[], text: string): TextPart {
  let line = '';
  let end: number | undefined;
  for (const token of tokens) {
    if (end !== undefined && end < token.start) line += ' ';
    line += text.slice(token.start, token.end);
    end = token.end;
  }
  return { start: tokens[0]?.start ?? 0, text: line };
}
