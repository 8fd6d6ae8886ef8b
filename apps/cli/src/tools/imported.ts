import { readCatalogue } from '#writ/catalogue';
import { canonicalJson, type Json, type JsonObject } from '#writ/contracts';
import { messageOf } from '#writ/faults';
import { createHash } from 'node:crypto';

/** A tool as it would stand in a file of tools. */
export interface ImportedTool {
  readonly name: string;
  /** `kind`, `input`, `definition` and whatever else comes from the one who defines the tool. */
  readonly fields: JsonObject & { readonly definition: string };
}

/** What came of reading definitions: tools, and what is no tool for Writ with the reason. */
export interface Imported {
  readonly tools: readonly ImportedTool[];
  readonly skipped: readonly { readonly name: string; readonly why: string }[];
}

/** What one definition became, or why it did not. `name` is the defining side's own. */
export type Candidate = { readonly name: string } & ({ readonly tool: ImportedTool } | { readonly why: string });

const DESCRIPTION_MAX = 1024;
const NAME_MAX = 128;

/** Sorts candidates: each tool has to be one that the catalogue takes, under a name that no other has. */
export function sortCandidates(candidates: readonly Candidate[]): Imported {
  const tools = new Map<string, ImportedTool>();
  const skipped: { readonly name: string; readonly why: string }[] = [];
  for (const candidate of candidates) {
    const { name } = candidate;
    const why = 'why' in candidate ? candidate.why : problemOf(candidate.tool, tools);
    if (why !== undefined) skipped.push({ name, why });
    else if ('tool' in candidate) tools.set(candidate.tool.name, candidate.tool);
  }
  return { tools: [...tools.values()], skipped };
}

/** The catalogue itself says what it would refuse. Servers are declared for the question alone. */
function problemOf({ name, fields }: ImportedTool, tools: ReadonlyMap<string, ImportedTool>): string | undefined {
  if (tools.has(name)) return `another one became \`${name}\` already`;
  const { server } = fields;
  const servers = typeof server === 'string' ? { [server]: { command: 'none' } } : {};
  const text = JSON.stringify({ version: 1, ledger: 'none/none/0', mcpServers: servers });
  const file = { file: 'tools', text: JSON.stringify({ version: 1, tools: { [name]: fields } }) };
  try {
    readCatalogue(text, { file: 'tools', baseDirectory: '/', environment: {}, toolFiles: [file] });
    return undefined;
  } catch (error) {
    return messageOf(error).replace(/^tools:\d+:\d+: /, '');
  }
}

/** A name that the catalogue takes, as near to the other side's as can be: `files` and `read/all` are `files.read-all`. */
export function toolName(prefix: string, name: string): string {
  const words = name.split('.').map((word) => word.replaceAll(/[^A-Za-z0-9_-]+/g, '-').replaceAll(/^[_-]+|-+$/g, ''));
  return [prefix, ...words.filter((word) => word !== '')].join('.').slice(0, NAME_MAX);
}

/** Texts that describe, as long as the catalogue takes them. They are attacker-controlled. */
export function shortDescription(...texts: readonly (Json | undefined)[]): string | undefined {
  const text = texts.find((each) => typeof each === 'string' && each.trim() !== '');
  return typeof text === 'string' ? text.trim().slice(0, DESCRIPTION_MAX).toWellFormed() : undefined;
}

/** `sha256:` and the hash of the canonical form. */
export function hashOf(definition: Json): string {
  return `sha256:${createHash('sha256').update(canonicalJson(definition)).digest('hex')}`;
}
