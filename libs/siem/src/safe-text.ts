/**
 * What a terminal or a viewer acts on: C0 and C1 controls, DEL, bidirectional controls, line and paragraph separators, the zero width
 * and format characters that hide text, and U+FFFE and U+FFFF.
 */
const UNSAFE =
  // oxlint-disable-next-line no-control-regex
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff]/g;
/** Most text is printable ASCII, and is seen to be by a search that is a few times as fast. */
const SOMETHING_ELSE = /[^ -~]/;
/** Tag characters, which are invisible and can carry a text, stand outside of the first plane. */
const TAGS = /\udb40[\udc00-\udc7f]/g;

const escaped = (text: string): string => {
  let out = '';
  for (let i = 0; i < text.length; i++) out += `\\u${text.charCodeAt(i).toString(16).padStart(4, '0')}`;
  return out;
};

/** JSON on one line in which nothing is left that a terminal acts on. Any parser reads the same value. */
export function safeJson(value: unknown): string {
  return safeJsonText(JSON.stringify(value));
}

/** The same for text that is JSON already: outside of strings JSON has none of these characters. */
export function safeJsonText(json: string): string {
  return SOMETHING_ELSE.test(json) ? json.replace(UNSAFE, escaped).replace(TAGS, escaped) : json;
}

/**
 * A value for a line format: the given characters and the backslash get a backslash, line ends become `\n` and `\r`, and what a terminal acts on
 * becomes `\uXXXX`. It can be undone, for every backslash of the value itself is doubled.
 */
export function escapeFor(specials: RegExp, text: string): string {
  const marked = text.replace(specials, '\\$&');
  if (!SOMETHING_ELSE.test(marked)) return marked;
  return marked.replace(/\n/g, '\\n').replace(/\r/g, '\\r').replace(UNSAFE, escaped).replace(TAGS, escaped);
}
