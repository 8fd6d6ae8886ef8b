import assert from 'node:assert/strict';

/**
 * Literals of which one stands in whatever a rule matches, sought for all rules in one pass over a text (Aho and Corasick, 1975): most
 * texts have none, and no pattern runs over them. `#` stands for any digit. An anchor that is not ASCII is any character that is not.
 */
export interface Anchored {
  readonly anchors: readonly string[];
  /** Whether the anchors stand for themselves in every case. */
  readonly anyCase: boolean;
}

/** Rules by the bits of two numbers: the first 31, and the next 31. */
export interface RuleBits {
  readonly low: number;
  readonly high: number;
}

export const BITS = 31;
const RULES_MAX = 2 * BITS;

/** The bit of the rule at that place. */
export function bitsOf(index: number): RuleBits {
  return index < BITS ? { low: 1 << index, high: 0 } : { low: 0, high: 1 << (index - BITS) };
}

/** What an anchor opens where it ends. One that stands for its own case alone is compared once more there. */
export interface Opened extends RuleBits {
  readonly exact: Uint8Array | undefined;
}

/** A machine that takes a text character by character: `next` of a state and a symbol is the next state, shifted for the symbol. */
export interface Machine {
  /** The symbol of each ASCII character; zero is every character that no anchor has. */
  readonly symbols: Uint8Array;
  readonly next: Uint16Array;
  /** States from here on end an anchor; what it opens stands in `opened`, by the number of the state less this one. */
  readonly firstOpening: number;
  readonly opened: readonly (readonly Opened[])[];
  /** What a character opens that is not ASCII. */
  readonly beyond: RuleBits;
  /** Rules without anchors. */
  readonly always: RuleBits;
}

/** A state is shifted by so much, to make place for a symbol. */
export const SYMBOL_BITS = 6;

interface Node {
  readonly children: Map<number, Node>;
  readonly opened: Opened[];
  fallback: Node | undefined;
  state: number;
}

/** Makes the machine of the anchors of some rules, whose place is their bit. */
export function machineOf(rules: readonly Anchored[]): Machine {
  assert(rules.length <= RULES_MAX, 'each rule has a bit');
  const symbols = symbolsOf(rules.flatMap(({ anchors }) => anchors));
  const root = newNode();
  const beyond = { low: 0, high: 0 };
  const always = { low: 0, high: 0 };
  for (const [index, { anchors, anyCase }] of rules.entries()) {
    const { low, high } = bitsOf(index);
    if (anchors.length === 0) add(always, { low, high });
    for (const anchor of anchors) {
      if (isAscii(anchor)) {
        const exact = anyCase || anchor.includes('#') ? undefined : Buffer.from(anchor);
        insert(root, anchor, symbols).opened.push({ low, high, exact });
      } else {
        add(beyond, { low, high });
      }
    }
  }
  const nodes = inBreadth(root);
  // Those that open nothing first, so that one comparison says whether a state opens something.
  const ordered = [...nodes.filter(({ opened }) => opened.length === 0), ...nodes.filter(isOpening)];
  for (const [state, node] of ordered.entries()) node.state = state;
  return {
    symbols,
    next: transitions(ordered, nodes),
    firstOpening: ordered.findIndex(isOpening) << SYMBOL_BITS,
    opened: ordered.filter(isOpening).map(({ opened }) => opened),
    beyond,
    always,
  };
}

function add(bits: { low: number; high: number }, { low, high }: RuleBits): void {
  bits.low |= low;
  bits.high |= high;
}

const isOpening = ({ opened }: Node): boolean => opened.length > 0;

// oxlint-disable-next-line no-control-regex -- ASCII begins with them.
const isAscii = (text: string): boolean => /^[\x00-\x7f]*$/.test(text);

function symbolsOf(anchors: readonly string[]): Uint8Array {
  const symbols = new Uint8Array(128);
  const characters = new Set([...anchors.filter(isAscii).join('').toLowerCase()].map(symbolic));
  for (const [index, character] of [...characters].entries()) {
    const isDigit = character === '#';
    for (const each of isDigit ? '0123456789' : [character, character.toUpperCase()])
      symbols[each.charCodeAt(0)] = index + 1;
  }
  assert(characters.size < 1 << SYMBOL_BITS, 'each character has a symbol');
  return symbols;
}

/** Every digit is one symbol: an anchor that has a certain one is compared where it ends, or found too often, which costs little. */
const symbolic = (character: string): string => (character >= '0' && character <= '9' ? '#' : character);

function newNode(): Node {
  return { children: new Map(), opened: [], fallback: undefined, state: 0 };
}

function insert(root: Node, anchor: string, symbols: Uint8Array): Node {
  let node = root;
  for (const character of anchor) {
    const symbol = symbols[(character === '#' ? '0' : character).charCodeAt(0)] ?? 0;
    const child = node.children.get(symbol) ?? newNode();
    node.children.set(symbol, child);
    node = child;
  }
  return node;
}

/** All nodes, nearer ones first, each with the longest other one that what leads to it ends with, and with what that one opens. */
function inBreadth(root: Node): Node[] {
  const nodes = [root];
  for (const node of nodes) {
    for (const [symbol, child] of node.children) {
      let fallback = node.fallback;
      while (fallback !== undefined && !fallback.children.has(symbol)) fallback = fallback.fallback;
      child.fallback = fallback?.children.get(symbol) ?? root;
      child.opened.push(...child.fallback.opened);
      nodes.push(child);
    }
  }
  return nodes;
}

function transitions(ordered: readonly Node[], inBreadthOrder: readonly Node[]): Uint16Array {
  assert(ordered.length << SYMBOL_BITS <= 65_536, 'each state has a number of 16 bits');
  const next = new Uint16Array(ordered.length << SYMBOL_BITS);
  for (const { state, fallback, children } of inBreadthOrder) {
    for (let symbol = 0; symbol < 1 << SYMBOL_BITS; symbol++) {
      const inherited = fallback === undefined ? 0 : (next[(fallback.state << SYMBOL_BITS) | symbol] ?? 0);
      const child = children.get(symbol);
      next[(state << SYMBOL_BITS) | symbol] = child === undefined ? inherited : child.state << SYMBOL_BITS;
    }
  }
  return next;
}
