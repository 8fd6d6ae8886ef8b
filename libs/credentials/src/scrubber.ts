/** Text made from other text by a decoder, with the place in the original that each character came from. */
interface Layer {
  readonly text: string;
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
}

type Range = readonly [start: number, end: number];

const DECODE_DEPTH = 2;
/** A shorter fragment of an encoded value would match ordinary text. */
const FRAGMENT_CHARACTERS_MIN = 6;

/**
 * Finds secrets in text that a server sent, in the encodings in which servers echo what they were sent: as it is, in hex, base64 and
 * base64url at any alignment, reversed; and each of these after undoing URL, JSON or HTML escapes or line breaks up to twice.
 * Matching cannot find what was cut up or encrypted: the wall is that a credential goes to its own origins only.
 */
export class Scrubber {
  readonly #needles: readonly string[];
  readonly #replacement: string;

  constructor(secrets: readonly string[], replacement: string) {
    this.#needles = [...new Set(secrets.flatMap(needlesOf))];
    this.#replacement = replacement;
  }

  scrub(text: string): { readonly text: string; readonly found: boolean } {
    const ranges = merge(this.#rangesIn(text));
    if (ranges.length === 0) return { text, found: false };
    let scrubbed = '';
    let at = 0;
    for (const [start, end] of ranges) {
      scrubbed += text.slice(at, start) + this.#replacement;
      at = end;
    }
    return { text: scrubbed + text.slice(at), found: true };
  }

  #rangesIn(text: string): Range[] {
    const ranges: Range[] = [];
    let layers: Layer[] = [identity(text)];
    for (let depth = 0; depth <= DECODE_DEPTH; depth++) {
      for (const layer of layers) ranges.push(...this.#findIn(layer));
      if (depth < DECODE_DEPTH) layers = layers.flatMap((layer) => DECODERS.flatMap((decode) => decode(layer) ?? []));
    }
    return ranges;
  }

  #findIn({ text, starts, ends }: Layer): Range[] {
    const ranges: Range[] = [];
    for (const needle of this.#needles) {
      for (let at = text.indexOf(needle); at >= 0; at = text.indexOf(needle, at + needle.length)) {
        ranges.push([starts[at] ?? 0, ends[at + needle.length - 1] ?? 0]);
      }
    }
    return ranges;
  }
}

function needlesOf(secret: string): string[] {
  const forms = new Set<string>();
  for (const value of [secret, ...partsOf(secret)]) {
    const bytes = Buffer.from(value, 'latin1');
    forms.add(value);
    forms.add([...value].reverse().join(''));
    forms.add(bytes.toString('hex'));
    forms.add(bytes.toString('hex').toUpperCase());
    for (const offset of [0, 1, 2]) {
      const fragment = base64Fragment(bytes, offset);
      forms.add(fragment);
      forms.add(fragment.replaceAll('+', '-').replaceAll('/', '_'));
    }
  }
  // The decoder of line breaks drops blanks and `+`, so each form is looked for without them as well.
  for (const form of [...forms]) forms.add(form.replaceAll(/[\s+]/g, ''));
  return [...forms].filter((form) => form.length >= FRAGMENT_CHARACTERS_MIN).sort((a, b) => b.length - a.length);
}

/** A value that is itself the base64 of `user:password` is known by its password as well. */
function partsOf(secret: string): string[] {
  const decoded = Buffer.from(secret, 'base64').toString('latin1');
  if (!/^[\x20-\x7e]+$/.test(decoded)) return [];
  const password = decoded.slice(decoded.indexOf(':') + 1);
  return decoded.includes(':') && password.length >= 8 ? [password] : [];
}

/** The characters of the base64 of `prefix ‖ bytes ‖ suffix` that depend on the bytes alone, for a prefix of that length mod 3. */
function base64Fragment(bytes: Buffer, offset: number): string {
  const encoded = Buffer.concat([Buffer.alloc(offset), bytes])
    .toString('base64')
    .replaceAll('=', '');
  const bits = (offset + bytes.length) * 8;
  return encoded.slice(Math.ceil((offset * 8) / 6), Math.floor(bits / 6));
}

function identity(text: string): Layer {
  const starts = new Uint32Array(text.length);
  for (let index = 0; index < starts.length; index++) starts[index] = index;
  return { text, starts, ends: starts.map((start) => start + 1) };
}

const JSON_ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' };
const HTML_ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

const DECODERS: readonly ((layer: Layer) => Layer | undefined)[] = [
  decoder(/%([0-9A-Fa-f]{2})/g, ([, hex]) => character(hex, 16)),
  decoder(/\\(?:u([0-9A-Fa-f]{4})|(.))/gs, ([, hex, letter = '']) =>
    hex === undefined ? (JSON_ESCAPES[letter] ?? letter) : character(hex, 16),
  ),
  decoder(/&(?:#x([0-9A-Fa-f]{1,6})|#([0-9]{1,7})|(amp|lt|gt|quot|apos));/g, ([, hex, decimal, name = '']) =>
    hex !== undefined
      ? character(hex, 16)
      : decimal !== undefined
        ? character(decimal, 10)
        : (HTML_ENTITIES[name] ?? ''),
  ),
  // Base64 is often broken into lines, and `+` stands for a blank in a form.
  decoder(/[\s+]+/g, () => ''),
];

function character(digits: string | undefined, radix: number): string {
  const code = Number.parseInt(digits ?? '', radix);
  return code <= 0xffff ? String.fromCharCode(code) : '';
}

/** Makes a decoder that replaces what the pattern matches and keeps the rest; undefined when nothing matched. */
function decoder(pattern: RegExp, decode: (match: RegExpExecArray) => string): (layer: Layer) => Layer | undefined {
  return ({ text, starts, ends }) => {
    const made = { text: '', starts: new Uint32Array(text.length), ends: new Uint32Array(text.length) };
    let at = 0;
    const keep = (end: number): void => {
      made.starts.set(starts.subarray(at, end), made.text.length);
      made.ends.set(ends.subarray(at, end), made.text.length);
      made.text += text.slice(at, end);
    };
    for (const match of text.matchAll(pattern)) {
      keep(match.index);
      at = match.index + match[0].length;
      const letters = decode(match as RegExpExecArray);
      // INVARIANT: a decoder makes at most one character of at least one, so the arrays are long enough.
      made.starts.fill(starts[match.index] ?? 0, made.text.length, made.text.length + letters.length);
      made.ends.fill(ends[at - 1] ?? 0, made.text.length, made.text.length + letters.length);
      made.text += letters;
    }
    if (at === 0) return undefined;
    keep(text.length);
    return made;
  };
}

function merge(ranges: readonly Range[]): Range[] {
  const merged: [number, number][] = [];
  for (const [start, end] of ranges.toSorted((a, b) => a[0] - b[0] || b[1] - a[1])) {
    const last = merged.at(-1);
    if (last !== undefined && start < last[1]) last[1] = Math.max(last[1], end);
    else merged.push([start, end]);
  }
  return merged;
}
