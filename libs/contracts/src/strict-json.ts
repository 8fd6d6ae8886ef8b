import { Fault } from '#writ/faults';
import type { Json } from './canonical.js';

export interface JsonLimits {
  readonly bytesMax: number;
  readonly depthMax: number;
}

/** What a request may be: 64 KiB and 16 levels, the size being the agents' `max_payload` as well. */
export const REQUEST_JSON_LIMITS: JsonLimits = { bytesMax: 65_536, depthMax: 16 };

const RESERVED_KEYS: ReadonlySet<string> = new Set(['__proto__', '__entity', '__extn']);
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Parses attacker-controlled JSON (RFC 8259) and refuses what two parsers could read differently: duplicate keys, numbers
 * that a double does not carry exactly, lone surrogates, invalid UTF-8, a byte order mark, reserved keys, deep nesting.
 * Throws a Fault with an `INPUT_*` code.
 */
export function parseStrictJson(bytes: Uint8Array, limits: JsonLimits = REQUEST_JSON_LIMITS): Json {
  if (bytes.length > limits.bytesMax) {
    throw new Fault('INPUT_TOO_LARGE', `the message has ${bytes.length} bytes; the limit is ${limits.bytesMax}`);
  }
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch (cause) {
    throw new Fault('INPUT_NOT_UTF8', 'the message is not well-formed UTF-8', { cause });
  }
  return new Reader(text, limits.depthMax).document();
}

// Control characters end the run: JSON strings hold them as escapes only.
// oxlint-disable-next-line no-control-regex
const STRING = /[^"\\\u0000-\u001f]*/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
const WHITESPACE = /[ \t\n\r]*/y;
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

class Reader {
  #at = 0;

  constructor(
    private readonly text: string,
    private readonly depthMax: number,
  ) {}

  document(): Json {
    const value = this.#value(0);
    this.#skipSpace();
    if (this.#at !== this.text.length) throw this.#notJson();
    return value;
  }

  #value(depth: number): Json {
    this.#skipSpace();
    switch (this.text[this.#at]) {
      case '{':
        return this.#object(depth + 1);
      case '[':
        return this.#array(depth + 1);
      case '"':
        return this.#string();
      case 't':
        return this.#word('true', true);
      case 'f':
        return this.#word('false', false);
      case 'n':
        return this.#word('null', null);
      case undefined:
        throw this.#notJson();
      default:
        return this.#number();
    }
  }

  #object(depth: number): Json {
    this.#enter(depth);
    const object: Record<string, Json> = {};
    const seen = new Set<string>();
    this.#skipSpace();
    if (this.#take('}')) return object;
    for (;;) {
      this.#skipSpace();
      if (this.text[this.#at] !== '"') throw this.#notJson();
      const key = this.#string();
      if (RESERVED_KEYS.has(key)) throw new Fault('INPUT_RESERVED_KEY', `the key \`${key}\` is reserved`);
      if (seen.has(key)) throw new Fault('INPUT_DUPLICATE_KEY', `the key ${JSON.stringify(key)} stands twice`);
      seen.add(key);
      this.#skipSpace();
      if (!this.#take(':')) throw this.#notJson();
      object[key] = this.#value(depth);
      this.#skipSpace();
      if (this.#take('}')) return object;
      if (!this.#take(',')) throw this.#notJson();
    }
  }

  #array(depth: number): Json {
    this.#enter(depth);
    const array: Json[] = [];
    this.#skipSpace();
    if (this.#take(']')) return array;
    for (;;) {
      array.push(this.#value(depth));
      this.#skipSpace();
      if (this.#take(']')) return array;
      if (!this.#take(',')) throw this.#notJson();
    }
  }

  #enter(depth: number): void {
    if (depth > this.depthMax) {
      throw new Fault('INPUT_TOO_DEEP', `the JSON nests deeper than ${this.depthMax} levels`);
    }
    this.#at++;
  }

  #string(): string {
    this.#at++;
    let value = '';
    for (;;) {
      STRING.lastIndex = this.#at;
      const run = STRING.exec(this.text)?.[0] ?? '';
      value += run;
      this.#at += run.length;
      if (this.#take('"')) break;
      if (!this.#take('\\')) throw this.#notJson();
      value += this.#escape();
    }
    if (!value.isWellFormed()) throw new Fault('INPUT_LONE_SURROGATE', 'a string holds half of a surrogate pair');
    return value;
  }

  #escape(): string {
    const letter = this.text[this.#at++] ?? '';
    if (letter === 'u') {
      const hex = this.text.slice(this.#at, this.#at + 4);
      if (!/^[0-9a-fA-F]{4}$/.test(hex)) throw this.#notJson();
      this.#at += 4;
      return String.fromCharCode(Number.parseInt(hex, 16));
    }
    const character = ESCAPES[letter];
    if (character === undefined) throw this.#notJson();
    return character;
  }

  #number(): number {
    NUMBER.lastIndex = this.#at;
    const match = NUMBER.exec(this.text);
    if (match === null) throw this.#notJson();
    this.#at += match[0].length;
    const value = Number(match[0]);
    if (!isCarriedExactly(match[0], value)) {
      throw new Fault('INPUT_UNSAFE_NUMBER', `the number \`${match[0].slice(0, 40)}\` cannot be carried exactly`);
    }
    // Minus zero is zero: JSON.stringify, RFC 8785 and Cedar all write it as 0.
    return value === 0 ? 0 : value;
  }

  #word<T extends Json>(word: string, value: T): T {
    if (!this.text.startsWith(word, this.#at)) throw this.#notJson();
    this.#at += word.length;
    return value;
  }

  #take(character: string): boolean {
    if (this.text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #skipSpace(): void {
    const code = this.text.charCodeAt(this.#at);
    if (code > 32 || Number.isNaN(code)) return;
    WHITESPACE.lastIndex = this.#at;
    this.#at += WHITESPACE.exec(this.text)?.[0].length ?? 0;
  }

  #notJson(): Fault {
    return new Fault('INPUT_NOT_JSON', `the message is not JSON at character ${this.#at + 1}`);
  }
}

/** Integers must be safe (at most 2^53 - 1 in size); fractions must be finite. A fraction is carried as the nearest double. */
function isCarriedExactly(written: string, value: number): boolean {
  if (!Number.isFinite(value)) return false;
  return Number.isInteger(value) ? Number.isSafeInteger(value) : written.length <= 40;
}
