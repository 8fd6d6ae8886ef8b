// oxlint-disable-next-line no-control-regex
const COMMANDING = /[\0-\u0008\n-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]|\p{Cs}/gu;

/** One line of text as a terminal can show it: what would command the terminal, or change the order of what is read, is a mark. */
export function printable(text: string): string {
  return text.replaceAll(COMMANDING, '\ufffd');
}

/** The same of a text that may have several lines. */
export function printableLines(text: string): string {
  return text.split(/\r?\n/).map(printable).join('\n');
}

/**
 * A value whose texts are attacker-controlled, with each of them made printable: agents, enforcement points and authors of policies
 * choose what operators read. Breaks between lines are blanks.
 */
export function printableIn<T>(value: T): T {
  return shown(value) as T;
}

function shown(value: unknown): unknown {
  if (typeof value === 'string') return printable(value.replaceAll(/\r?\n/g, ' '));
  if (Array.isArray(value)) return value.map(shown);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [printable(name), shown(member)]));
}
