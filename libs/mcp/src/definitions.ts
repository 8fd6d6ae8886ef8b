import { createHash } from 'node:crypto';
import { canonicalJson, type Json, type JsonObject } from '#writ/contracts';
import { Fault } from '#writ/faults';
import type { Client } from '@modelcontextprotocol/client';
import { z } from 'zod';

/** What a server says that one of its tools is, as it came. Every byte of it is attacker-controlled. */
export interface ToolDefinition {
  /** `sha256:` and the hash of the canonical form of the whole object: what the SDK has no name for counts as well. */
  readonly hash: string;
  readonly raw: JsonObject;
}

/** The definitions of a server, by the names that it gives its tools. */
export type ToolDefinitions = ReadonlyMap<string, ToolDefinition>;

const PAGES_MAX = 64;
const TOOLS_MAX = 1024;

/** A page as it came: the SDK's own schema drops the members that it does not know, and they would not be pinned. */
const ToolPage = z.looseObject({
  tools: z.array(z.looseObject({ name: z.string().min(1).max(128) })).max(TOOLS_MAX),
  nextCursor: z.string().optional(),
});

interface ListOptions {
  readonly signal: AbortSignal;
  /** For each page. */
  readonly timeoutMs: number;
}

/**
 * Lists the tools of a connected server, all pages of it. Throws EXECUTOR_BAD_ANSWER for more than 64 pages or 1,024 tools, and what
 * the SDK throws.
 */
export async function listDefinitions(client: Client, { signal, timeoutMs }: ListOptions): Promise<ToolDefinitions> {
  const listed: JsonObject[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < PAGES_MAX; page++) {
    const params = cursor === undefined ? {} : { cursor };
    const answer = await client.request({ method: 'tools/list', params }, ToolPage, { signal, timeout: timeoutMs });
    listed.push(...(JSON.parse(JSON.stringify(answer.tools)) as readonly JsonObject[]));
    if (listed.length > TOOLS_MAX) break;
    cursor = answer.nextCursor;
    if (cursor === undefined) return definitionsOf(listed);
  }
  throw new Fault('EXECUTOR_BAD_ANSWER', `the MCP server lists tools without end, or more than ${TOOLS_MAX}`);
}

/** Hashes raw definitions. Two under one name are pinned together: which of them the server means, nobody can say. */
export function definitionsOf(listed: readonly JsonObject[]): ToolDefinitions {
  const definitions = new Map<string, ToolDefinition>();
  for (const raw of listed) {
    const name = String(raw['name']);
    const before = definitions.get(name);
    const pinned: Json = before === undefined ? raw : [before.hash, raw];
    definitions.set(name, { hash: hashOf(pinned), raw });
  }
  return definitions;
}

function hashOf(value: Json): string {
  return `sha256:${createHash('sha256').update(canonicalJson(value)).digest('hex')}`;
}
