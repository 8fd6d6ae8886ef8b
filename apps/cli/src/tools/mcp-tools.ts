import type { Json, JsonObject } from '#writ/contracts';
import type { ToolDefinition, ToolDefinitions } from '#writ/mcp';
import { type Candidate, type Imported, shortDescription, sortCandidates, toolName } from './imported.js';
import { isObject, tidySchema } from './tidy-schema.js';

/** The tools of an MCP server as the catalogue takes them, each with the hash of its whole definition. */
export function mcpTools(server: string, definitions: ToolDefinitions): Imported {
  return sortCandidates([...definitions].map(([name, definition]) => candidateOf(server, name, definition)));
}

function candidateOf(server: string, offered: string, { hash, raw }: ToolDefinition): Candidate {
  const { inputSchema = {}, description, title, annotations } = raw;
  const input = tidySchema(inputSchema, () => undefined);
  if (!isObject(input)) return { name: offered, why: 'its input schema is no object' };
  const text = shortDescription(description, title);
  const hints = hintsOf(isObject(annotations) ? annotations : {});
  return {
    name: offered,
    tool: {
      name: toolName(server, offered),
      fields: {
        kind: 'mcp',
        server,
        tool: offered,
        ...(text !== undefined && { description: text }),
        ...(Object.keys(hints).length > 0 && { hints }),
        definition: hash,
        input,
      },
    },
  };
}

/** What the server says of the tool. It is the server's word, so nothing runs again because of it. */
function hintsOf({ readOnlyHint, destructiveHint, idempotentHint }: JsonObject): JsonObject {
  const said: [string, Json | undefined][] = [
    ['readOnly', readOnlyHint],
    ['destructive', destructiveHint],
    ['idempotent', idempotentHint],
  ];
  return Object.fromEntries(said.flatMap(([name, value]) => (typeof value === 'boolean' ? [[name, value]] : [])));
}
