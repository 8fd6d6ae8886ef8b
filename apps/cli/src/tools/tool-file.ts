import type { Json, JsonObject } from '#writ/contracts';
import { parseYaml } from '#writ/catalogue';
import { type Document, parseDocument } from 'yaml';
import { type ImportedTool } from './imported.js';
import { isObject } from './tidy-schema.js';

/** How what is defined differs from what a file pins. */
export interface ToolChanges {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly ToolChange[];
  readonly same: number;
}

/** One tool whose definition is another one, and the fields that differ because of it. */
export interface ToolChange {
  readonly name: string;
  readonly old: string | null;
  readonly new: string;
  readonly fields: readonly { readonly field: string; readonly old: Json | null; readonly new: Json | null }[];
}

/** Fields that an import writes. All others of a tool belong to whoever keeps the file, and stay. */
const OWNED = [
  'kind',
  'server',
  'tool',
  'method',
  'url',
  'body',
  'files',
  'description',
  'hints',
  'definition',
  'input',
];
const HEAD = ` Written by \`writ tools import\`. Fields that it does not write (timeoutMs, idempotent, credential, …) are yours: it keeps them.`;

/** Names of the tools of a file. Throws CONFIG_INVALID. */
export function toolsIn(text: string, file: string): readonly string[] {
  return Object.keys(toolsOf(text, file));
}

/** Compares the tools of a file, which need not exist yet, with what is defined now. A file that is no file of tools throws CONFIG_INVALID. */
export function compareTools(text: string | undefined, file: string, tools: readonly ImportedTool[]): ToolChanges {
  const before = text === undefined ? {} : toolsOf(text, file);
  const now = new Map(tools.map(({ name, fields }) => [name, fields]));
  const kept = tools.filter(({ name }) => Object.hasOwn(before, name));
  const changed = kept.flatMap((tool) => changeOf(before[tool.name], tool));
  return {
    added: tools.flatMap(({ name }) => (Object.hasOwn(before, name) ? [] : [name])),
    removed: Object.keys(before).filter((name) => !now.has(name)),
    changed,
    same: kept.length - changed.length,
  };
}

/** The text of the file with what is defined now. What its keeper wrote, comments too, stays. */
export function renderTools(text: string | undefined, tools: readonly ImportedTool[], changes: ToolChanges): string {
  const document: Document = parseDocument(text ?? 'version: 1\n');
  if (text === undefined) {
    document.commentBefore = HEAD;
    document.set('tools', document.createNode({}));
  }
  for (const name of changes.removed) document.deleteIn(['tools', name]);
  const written = new Set([...changes.added, ...changes.changed.map(({ name }) => name)]);
  for (const { name, fields } of tools) {
    if (!written.has(name)) continue;
    for (const field of OWNED) {
      const value = fields[field];
      if (value === undefined) document.deleteIn(['tools', name, field]);
      else document.setIn(['tools', name, field], document.createNode(value));
    }
  }
  return document.toString({ lineWidth: 120 });
}

/** A tool with the pinned definition is what was approved, whatever its keeper made of its other fields. */
function changeOf(before: Json | undefined, { name, fields }: ImportedTool): ToolChange[] {
  const old = isObject(before) ? before : {};
  if (old['definition'] === fields.definition) return [];
  const differ = OWNED.filter((field) => field !== 'definition' && !isSame(old[field], fields[field]));
  return [
    {
      name,
      old: typeof old['definition'] === 'string' ? old['definition'] : null,
      new: fields.definition,
      fields: differ.map((field) => ({ field, old: old[field] ?? null, new: fields[field] ?? null })),
    },
  ];
}

function isSame(one: Json | undefined, other: Json | undefined): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function toolsOf(text: string, file: string): JsonObject {
  const value = parseYaml(text, file).value as Json;
  const tools = isObject(value) ? value['tools'] : undefined;
  return isObject(tools) ? tools : {};
}
