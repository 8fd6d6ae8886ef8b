import { printable } from './printable.js';

const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;
const WITHOUT_WIDTH = /\p{Mn}|\p{Me}|\p{Cf}/u;

/** How many cells of a terminal the text takes; a tab counts as one. */
export function cellsOf(text: string): number {
  let cells = 0;
  for (const character of text) {
    if (WITHOUT_WIDTH.test(character)) continue;
    cells += WIDE.test(character) ? 2 : 1;
  }
  return cells;
}

/** What stands below the text in the next line, so that what follows it is below what follows the text. */
export function blankUnder(text: string): string {
  // A tab is as wide as the terminal makes it, so it stands in both lines.
  return [...printable(text)].map((each) => (each === '\t' ? each : ' '.repeat(cellsOf(each)))).join('');
}
