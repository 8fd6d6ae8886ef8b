import type { AuthZenDeclaration } from '#writ/catalogue';
import { type ActionRequest, type Json, type JsonObject, JsonRecord, parse, parseActionRequest } from '#writ/contracts';
import { Fault } from '#writ/faults';
import type { AccessRequest } from './access-request.js';

export type Mapping = Pick<AuthZenDeclaration, 'subjects' | 'actions'>;

/** Members of a request on the bus that are not arguments: `context.input` may not bring them. */
const NOT_INPUT = ['v', 'call', 'session', 'trace', 'tool', 'namespace'] as const;

/** The agent that a subject is: an `agent` by its name, or a subject of another system that the configuration maps. */
export function agentOf({ type, id }: AccessRequest['subject'], { subjects }: Mapping): string {
  const mapped = subjects.find((subject) => subject.type === type && subject.id === id);
  if (mapped !== undefined) return mapped.agent;
  if (type === 'agent') return id;
  throw new Fault('INPUT_UNKNOWN_AGENT', 'the subject is no agent');
}

/**
 * The request that an agent would send for the same. It is parsed as one on the bus is, so what is refused there is refused
 * here. Throws INPUT_*.
 */
export function requestOf(asked: AccessRequest, call: string, { actions }: Mapping): ActionRequest {
  const { action, resource } = asked;
  const mapped = actions.find((each) => each.action === action.name && each.resource === resource.type);
  if (mapped !== undefined) {
    return parseActionRequest('tool.call', { v: 1, call, tool: mapped.tool, args: argumentsOf(asked, mapped.args) });
  }
  const input = asked.context?.['input'] === undefined ? {} : parse(JsonRecord, asked.context['input']);
  const aboutNamespace = (): JsonObject => ({ ...own(input), v: 1, call, namespace: resource.id });
  switch (`${resource.type} ${resource.type === 'tool' && action.name === resource.id ? 'call' : action.name}`) {
    case 'tool call':
      return parseActionRequest('tool.call', { v: 1, call, tool: resource.id, args: input });
    case 'namespace query':
      return parseActionRequest('memory.query', aboutNamespace());
    case 'namespace write':
      return parseActionRequest('memory.write', aboutNamespace());
    case 'namespace delete':
      return parseActionRequest('memory.delete', aboutNamespace());
    case 'destination fetch':
      return parseActionRequest('egress.fetch', { ...own(input), v: 1, call });
    default:
      throw new Fault('INPUT_UNKNOWN_OPERATION', 'no operation is that action on a resource of that type');
  }
}

function own(input: JsonObject): JsonObject {
  const taken = NOT_INPUT.find((name) => Object.hasOwn(input, name));
  if (taken !== undefined) throw new Fault('INPUT_INVALID', `\`context.input\` may not have \`${taken}\``);
  return input;
}

/** Arguments by name, each read where its pointer leads. What is not there is no argument: the tool's schema says if it must be. */
function argumentsOf(asked: AccessRequest, pointers: Readonly<Record<string, string>>): JsonObject {
  const found: Record<string, Json> = {};
  for (const [name, pointer] of Object.entries(pointers)) {
    const value = valueAt(asked as unknown as Json, pointer);
    if (value !== undefined) found[name] = value;
  }
  return found;
}

/** The value at a JSON Pointer (RFC 6901). */
function valueAt(root: Json, pointer: string): Json | undefined {
  let value: Json | undefined = root;
  for (const token of pointer.split('/').slice(1)) {
    const name = token.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Readonly<Record<string, Json>>)[name];
  }
  return value;
}
