/** What stands for itself in JSON: printable ASCII without the quote and the backslash. */
const PLAIN = /^[ !#-[\]-~]*$/;

/** The text as a JSON string, as JSON.stringify writes it, in half of its time for nearly all that occurs. */
export function quoted(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
}

/** A member that follows another one, with its comma; nothing when it is undefined. The name is a constant that needs no escape. */
export function member(name: string, value: string | number | undefined): string {
  if (value === undefined) return '';
  return `,"${name}":${typeof value === 'number' ? value : quoted(value)}`;
}

/** The members of an object, for the text of an object that has others too. */
export function membersOf(object: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(object).slice(1, -1);
}
