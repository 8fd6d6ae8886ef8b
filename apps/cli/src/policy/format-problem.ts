import type { PolicyProblem } from '#writ/policy';
import type { Paint } from '../paint.js';
import { printable } from '../printable.js';
import { blankUnder, cellsOf } from '../terminal-text.js';

/** Cells of a line that are shown; a longer one is cut around what is meant. */
const LINE_CELLS_MAX = 160;
const BEFORE_CELLS = 60;

/** A problem as a compiler tells it: `file:line:col`, the line, what of it is meant, and what to do. */
export function formatProblemWithSource(problem: PolicyProblem, paint: Paint): string {
  const { code, severity = 'error', rule, file, line, col, source, length = 1, message, help } = problem;
  const kind = rule === undefined ? code : `${code} ${rule}`;
  const colour = severity === 'error' ? 'red' : 'yellow';
  const head = `${paint('bold', printable(`${file}:${line}:${col}`))}: ${paint(colour, `${severity}[${kind}]`)}: ${printable(message)}`;
  const margin = ' '.repeat(String(line).length);
  const lines = [head];
  if (source !== undefined) {
    const { shown, underline } = excerpt(source, col - 1, length);
    lines.push(
      `${paint('dim', `  ${line} |`)} ${shown}`,
      `${paint('dim', `  ${margin} |`)} ${paint(colour, underline)}`,
    );
  }
  if (help !== undefined) lines.push(`${paint('dim', `  ${margin} =`)} help: ${printable(help)}`);
  return lines.join('\n');
}

/** The line as a terminal can show it, and a line below it with `^` under every cell of the span. */
function excerpt(
  source: string,
  start: number,
  length: number,
): { readonly shown: string; readonly underline: string } {
  const end = Math.min(source.length, start + length);
  const isLong = cellsOf(source) > LINE_CELLS_MAX;
  const from = isLong ? Math.max(0, start - BEFORE_CELLS) : 0;
  const to = isLong ? Math.min(source.length, from + LINE_CELLS_MAX) : source.length;
  const [before, meant, after] = [
    source.slice(from, start),
    source.slice(start, Math.min(end, to)),
    source.slice(Math.min(end, to), to),
  ];
  const [head, tail] = [from > 0 ? '…' : '', to < source.length ? '…' : ''];
  const blank = head.replace('…', ' ') + blankUnder(before);
  const carets = '^'.repeat(Math.max(1, cellsOf(printable(meant))));
  return {
    shown: `${head}${printable(before)}${printable(meant)}${printable(after)}${tail}`,
    underline: blank + carets,
  };
}
