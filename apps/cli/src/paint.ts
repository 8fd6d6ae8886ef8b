type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow';
export type Paint = (style: Style, text: string) => string;

const CODES: Readonly<Record<Style, number>> = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 };

/** Colours for a terminal, and the plain text for everything else. */
export function painter(isColoured: boolean): Paint {
  return (style, text) => (isColoured ? `\u001b[${CODES[style]}m${text}\u001b[0m` : text);
}
