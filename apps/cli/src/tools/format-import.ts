import type { Imported, ImportedTool } from './imported.js';
import type { ToolChange, ToolChanges } from './tool-file.js';
import { isObject } from './tidy-schema.js';

/** What an import found, and whether the file says so now. */
export interface ImportReport extends ToolChanges {
  /** The file of tools, absolute. */
  readonly file: string;
  readonly written: boolean;
  readonly skipped: Imported['skipped'];
}

/** An import as lines for people: what is new, what differs from what was approved, and what to do about it. */
export function formatImport(report: ImportReport, tools: readonly ImportedTool[]): readonly string[] {
  const added = tools.filter(({ name }) => report.added.includes(name));
  return [
    ...added.flatMap(newTool),
    ...report.changed.flatMap(changedTool),
    ...report.removed.map((name) => `- ${visible(name)}  is not offered any more`),
    ...report.skipped.map(({ name, why }) => `! ${visible(name)}  left out: ${visible(why)}`),
    endOf(report),
  ];
}

function endOf({ file, written, same, added, changed, removed }: ImportReport): string {
  if (written)
    return `wrote ${file}: ${added.length + changed.length} tools, ${same} as before. It counts at the next start`;
  if (added.length + changed.length + removed.length === 0) return `${same} tools are as they were approved`;
  return `nothing was written: read the differences, then run this again with --approve`;
}

function newTool({ name, fields }: ImportedTool): string[] {
  const { hints, description } = fields;
  const said = isObject(hints) ? Object.entries(hints).flatMap(([hint, is]) => (is === true ? [hint] : [])) : [];
  const told = said.length === 0 ? '' : `  (says: ${said.join(', ')})`;
  return [`+ ${name}${told}`, ...(typeof description === 'string' ? [`    ${visible(description)}`] : [])];
}

function changedTool({ name, old, new: next, fields }: ToolChange): string[] {
  const differ = fields.flatMap(({ field, old: before, new: after }) => [
    `    ${field}`,
    `      approved: ${shown(before)}`,
    `      now:      ${shown(after)}`,
  ]);
  const rest = differ.length === 0 ? ['    a part of the definition that the file does not hold'] : differ;
  return [`~ ${visible(name)}  ${old?.slice(0, 19) ?? 'not pinned'} is now ${next.slice(0, 19)}`, ...rest];
}

function shown(value: unknown): string {
  return value === null ? 'nothing' : visible(typeof value === 'string' ? value : JSON.stringify(value));
}

/**
 * Text of somebody else, whole: what would command the terminal, change the order of what is read or not be seen at all is written as
 * its number. Instructions that only a model sees would hide in it.
 */
function visible(text: string): string {
  return text.replaceAll(/[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu, (sign) => {
    return `\\u{${(sign.codePointAt(0) ?? 0).toString(16)}}`;
  });
}
