/** Text as detectors see it, with the place in the original of each UTF-16 unit. */
export interface FoldedText {
  readonly text: string;
  readonly start: (index: number) => number;
  readonly end: (index: number) => number;
}

const INVISIBLE = /^[\p{Cf}\p{Mn}\p{Me}]$/u;
const DIGIT = /^\p{Nd}$/u;
const DASH = /^\p{Pd}|\u2212$/u;

/** Letters that look like a Latin one. Enough to find a word in disguise; it is no spell checker. */
const LOOKALIKES = new Map(
  Object.entries({
    а: 'a',
    в: 'b',
    с: 'c',
    ԁ: 'd',
    е: 'e',
    һ: 'h',
    н: 'h',
    і: 'i',
    ј: 'j',
    к: 'k',
    м: 'm',
    о: 'o',
    р: 'p',
    ѕ: 's',
    т: 't',
    у: 'y',
    х: 'x',
    А: 'A',
    В: 'B',
    С: 'C',
    Е: 'E',
    Н: 'H',
    І: 'I',
    Ј: 'J',
    К: 'K',
    М: 'M',
    О: 'O',
    Р: 'P',
    Ѕ: 'S',
    Т: 'T',
    Х: 'X',
    α: 'a',
    ι: 'i',
    κ: 'k',
    τ: 't',
    υ: 'u',
    ω: 'w',
    χ: 'x',
    γ: 'y',
    ԍ: 'g',
    ӏ: 'l',
    ԛ: 'q',
    ԝ: 'w',
    ο: 'o',
    ν: 'v',
    ρ: 'p',
    Α: 'A',
    Β: 'B',
    Ε: 'E',
    Η: 'H',
    Ι: 'I',
    Κ: 'K',
    Μ: 'M',
    Ν: 'N',
    Ο: 'O',
    Ρ: 'P',
    Τ: 'T',
    Χ: 'X',
  }),
);

/**
 * Folds compatibility forms (NFKC), digits of every script, dashes and look-alike letters to ASCII, and drops what is invisible or
 * combines, so that a disguised secret is found. ASCII is returned as it is.
 */
export function fold(original: string): FoldedText {
  if (/^[\x20-\x7e\s]*$/.test(original)) {
    return { text: original, start: (index) => index, end: (index) => index };
  }
  let text = '';
  const starts: number[] = [];
  const ends: number[] = [];
  let at = 0;
  for (const character of original) {
    const folded = character <= '\u007f' ? character : foldedOf(character);
    for (let unit = 0; unit < folded.length; unit++) {
      starts.push(at);
      ends.push(at + character.length);
    }
    text += folded;
    at += character.length;
  }
  return { text, start: (index) => starts[index] ?? at, end: (index) => (index === 0 ? 0 : (ends[index - 1] ?? at)) };
}

/** What characters were folded to before: texts of one language have the same few. */
const KNOWN = new Map<string, string>();
const KNOWN_MAX = 4_096;

function foldedOf(character: string): string {
  const known = KNOWN.get(character);
  if (known !== undefined) return known;
  const folded = foldCharacter(character);
  if (KNOWN.size < KNOWN_MAX) KNOWN.set(character, folded);
  return folded;
}

function foldCharacter(character: string): string {
  if (INVISIBLE.test(character)) return '';
  const plain = character.normalize('NFKC');
  if (plain <= '\u007f') return plain;
  if (DIGIT.test(plain)) return digitOf(plain);
  return DASH.test(plain) ? '-' : (LOOKALIKES.get(plain) ?? plain);
}

/** The digits of a script follow each other from zero, so the value is the distance from the first of them. */
function digitOf(digit: string): string {
  const code = digit.codePointAt(0) ?? 0;
  let zero = code;
  while (code - zero < 9 && DIGIT.test(String.fromCodePoint(zero - 1))) zero--;
  return String(code - zero);
}
